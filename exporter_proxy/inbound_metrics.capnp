@0xfb4ded7f739d5651;

# One push. A connection may carry any number of these, each in the standard stream framing
# (not packed). New data of an application replaces its old data.
struct InboundMetrics {
  appName @0 :Text;
  data @1 :Text; # text exposition format 0.0.4
}
