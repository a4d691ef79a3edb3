# What a recorded log says, counted from its records and from a table of its sessions:
#
#     LC_ALL=C TZ=UTC0 awk -f expected.awk SESSIONS RS='\n2026/11/21 ' LOG... | LC_ALL=C sort -V
#
# What a session was, no line says by itself: that stands in the table, row by row in the
# order in which the clients connected. Everything else is in the logs.
# All records are of one day, so its date tells them apart from newlines in names. Where
# messages were cut, records also begin inside lines: RS='\n?2026/11/21 ', and `glued=N`
# says how many do.

BEGIN {
  FS = "\t"
  seconds = "1 5 15 60 300 900 3600 14400 43200 86400"
  bytes = "1024 16384 262144 4194304 67108864 1073741824 17179869184 274877906944 4398046511104"
  names[1] = "usage"; names[3] = "file_select"; names[4] = "unsupported"
  names[10] = "socket_io"; names[11] = "file_io"; names[12] = "stream_io"
  names[20] = "signal"; names[30] = "timeout"
  errnos[0] = "other"; errnos[1] = "EPERM"; errnos[2] = "ENOENT"; errnos[13] = "EACCES"
  errnos[28] = "ENOSPC"
  operations["link_stat"] = "link_stat"; operations["change_dir"] = "change_dir"
  operations["send_files failed to open"] = "open"; operations["write failed on"] = "write"
  operations["failed to set times on"] = "set_times"
  operations["send"] = "send"; operations["recv"] = "recv"; operations["del."] = "delete"
}

NR == FNR {
  if (FNR == 1) next
  modules[FNR - 1] = $1 == "-" ? "" : $1
  directions[FNR - 1] = $2
  outcomes[FNR - 1] = $3
  next
}

$0 == "" { next } # what stands in front of the first separator

# HH:MM:SS [pid] MESSAGE
{
  sub(/^2026\/11\/21 /, ""); sub(/\n$/, "")
  time = mktime("2026 11 21 " substr($0, 1, 2) " " substr($0, 4, 2) " " substr($0, 7, 2))
  pid = between($0, " [", "] ")
  message = substr($0, index($0, "] ") + 2)
  count_lines(message)
}

message ~ /^rsyncd version / {
  master = pid
  add("rsyncd_daemon_starts_total", "", 1)
  port = label("port", after(message, "port "))
  set("rsyncd_daemon_info", port "," label("version", between(message, "version ", " starting")), 1)
}
pid == master { next }

message ~ /^name lookup failed / { add("rsyncd_name_lookup_failures_total", "", 1) }

message ~ /^connect from / {
  sessions[pid] = ++connected
  began[connected] = time
  add("rsync_connections_total", "", 1)
}
!(pid in sessions) { next }
{ session = sessions[pid]; module = label("module", modules[session]) }

message ~ /^rsync (on|to) / {
  add("rsync_executions_total", "", 1)
  requested[session] = 1
}

message ~ /^sent [0-9]+ bytes  received [0-9]+ bytes  total size [0-9]+$/ {
  sent = between(message, "sent ", " ")
  received = between(message, "received ", " ")
  ended[session] = time
  moved[session] = directions[session] == "pull" ? sent : received
  add("rsync_data_sent_bytes_total", "", sent)
  add("rsync_data_received_bytes_total", "", received)
  add("rsync_exchange_data_bytes_total", "", after(message, "size "))
  add("rsyncd_sent_bytes_total", module, sent)
  add("rsyncd_received_bytes_total", module, received)
}

# One failure of a push may be told by receiver and generator: it is one error.
message ~ /^rsync error: / && !failed[session]++ {
  code = between(message, "(code ", ")")
  role = tolower(between(message, "[", "="))
  ended[session] = time
  add("rsync_service_error_total", label("status_code", code), 1)
  series = label("code", code) "," module "," label("name", names[code]) "," label("role", role)
  add("rsyncd_errors_total", series, 1)
}

# These end a session that never came to a transfer.
message ~ /^(module-list request|unknown module|rsync denied on|max connections|auth failed on|No path specified for) |^rsync: \[Receiver\] chdir / {
  ended[session] = time
}
message ~ /^module-list request / { add("rsyncd_module_list_requests_total", "", 1) }
message ~ /^unknown module / { add("rsyncd_unknown_module_requests_total", "", 1) }
message ~ /^rsync denied on / { add("rsyncd_access_denied_total", module, 1) }
message ~ /^auth failed on / {
  add("rsyncd_auth_failures_total", module "," label("reason", after(message, ": ")), 1)
}
message ~ /^max connections / {
  add("rsyncd_max_connections_refusals_total", module, 1)
  set("rsyncd_max_connections", module, between(message, "(", ")"))
}

message ~ /^file has vanished: / { add("rsyncd_files_vanished_total", module, 1) }

# rsync: [ROLE] OPERATION "FILE" (in MODULE): REASON (ERRNO)
message ~ /^rsync: \[[a-z]+\] (link_stat|change_dir|send_files failed to open|write failed on|failed to set times on) "/ {
  number = message
  sub(/.*\(/, "", number)
  operation = operations[between(message, "] ", " \"")]
  series = label("errno", errnos[number + 0]) "," module "," label("operation", operation)
  add("rsyncd_file_errors_total", series, 1)
}

# The default `log format`: %o %h [%a] %m (%u) %f %l
message ~ /^(send|recv|del\.) [^ ]+ \[[^ ]+\] / {
  length_ = message
  sub(/.* /, "", length_)
  count_file(substr(message, 1, 4), length_)
}

# That of rsyncd_custom_format_raw.log: %o %i %h %a %m user=%u %b/%l ...
# Of %i, `f` tells a file from folders, links and pipes, of which the default tells nothing.
message ~ /^((send|recv) [<>]f|del\. \*deleting).* user=/ {
  length_ = transferred = message
  sub(/.* user=[^ ]* [0-9]+\//, "", length_)
  sub(/.* user=[^ ]* /, "", transferred)
  count_file(substr(message, 1, 4), length_ + 0)
  series = module "," label("operation", operations[substr(message, 1, 4)])
  add("rsyncd_file_transferred_bytes_total", series, transferred + 0)
}

END {
  if (glued) add("rsync_exporter_lines_total", label("file", file) "," label("result", "split"), glued)
  for (session = 1; session <= connected; session++) count_session()
  for (series in values) if (values[series]) printf "%s %.0f\n", series, values[series]
  for (histogram in histograms) print_histogram(histogram)
}

function count_session(    direction, both) {
  direction = label("direction", directions[session])
  module = label("module", modules[session])
  both = direction "," module
  add("rsyncd_sessions_total", both "," label("outcome", outcomes[session]), 1)
  if (outcomes[session] == "expired" && !requested[session]) {
    add("rsyncd_connections_without_request_total", "", 1)
  }
  if (!requested[session] || !(session in ended)) return
  observe("rsyncd_session_duration_seconds", direction, ended[session] - began[session], seconds)
  if (session in moved) observe("rsyncd_session_transferred_bytes", direction, moved[session], bytes)
  latest("rsyncd_last_session_timestamp_seconds", both, ended[session])
  if (outcomes[session] == "ok") latest("rsyncd_last_success_timestamp_seconds", both, ended[session])
}

# Lists begin every transfer, and tell nothing; nor do folders, links and pipes. A daemon
# that is told to stop says so as a session does that moved nothing.
function count_lines(message,    result) {
  file = FILENAME
  sub(/.*\//, "", file)
  result = "matched"
  if (message ~ /^(building|receiving) file list$|^created directory |^send [.c][dLS]/) result = "ignored"
  if (message ~ /^sent 0 bytes  received 0 bytes  total size 0$/ && !(pid in sessions)) result = "ignored"
  add("rsync_exporter_lines_total", label("file", file) "," label("result", result), 1)
  add("rsync_exporter_lines_total", label("file", file) "," label("result", "joined"), gsub(/\n/, "\n", message))
}

function count_file(operation, length_,    labels) {
  labels = module "," label("operation", operations[operation])
  add("rsyncd_files_total", labels, 1)
  add("rsyncd_file_bytes_total", labels, length_)
}

function observe(metric, direction, value, bounds,    count, place, upper) {
  count = split(bounds " +Inf", upper, " ")
  for (place = 1; place <= count; place++) {
    if (place < count && value + 0 > upper[place] + 0) continue
    histograms[metric "_bucket{" direction "," SUBSEP "," module "}"] = bounds " +Inf"
    buckets[metric "_bucket{" direction "," label("le", upper[place]) "," module "}"]++
  }
  add(metric "_count", direction "," module, 1)
  add(metric "_sum", direction "," module, value)
}

# A bucket that holds no more than the one below it is left out.
function print_histogram(histogram,    ends, upper, count, place, series, below) {
  split(histogram, ends, SUBSEP)
  count = split(histograms[histogram], upper, " ")
  for (place = 1; place <= count; place++) {
    series = ends[1] label("le", upper[place]) ends[2]
    if (buckets[series] != below) print series, buckets[series]
    below = buckets[series]
  }
}

function latest(metric, labels, time) {
  if (time > values[series_of(metric, labels)]) set(metric, labels, time)
}

function add(metric, labels, value) { values[series_of(metric, labels)] += value }

function set(metric, labels, value) { values[series_of(metric, labels)] = value }

function series_of(metric, labels) { return labels == "" ? metric : metric "{" labels "}" }

function label(name, value) { return name "=\"" value "\"" }

function after(text, mark) {
  while (index(text, mark)) text = substr(text, index(text, mark) + length(mark))
  return text
}

function between(text, start, end) {
  text = substr(text, index(text, start) + length(start))
  return substr(text, 1, index(text, end) - 1)
}
