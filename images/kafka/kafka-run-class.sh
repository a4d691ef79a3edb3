#!/bin/bash
# Runs a class of the Kafka release: kafka-run-class.sh CLASS ARGUMENTS...
set -euo pipefail

# The KAFKA_..._OPTS are lists of words.
# shellcheck disable=SC2086
exec java ${KAFKA_HEAP_OPTS:--Xmx256M} \
  ${KAFKA_JVM_PERFORMANCE_OPTS:--server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -Djava.awt.headless=true} \
  ${KAFKA_LOG4J_OPTS:--Dlog4j2.configurationFile=/etc/kafka/docker/tools-log4j2.properties} ${KAFKA_OPTS:-} \
  -cp "/opt/kafka/libs/*" "$@"
