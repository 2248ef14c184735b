#!/bin/sh
# Starts the test broker and ends it, and removes its folder, when standard input is closed.
#
#     start.sh FOLDER BROKER_PORT CONTROLLER_PORT [JAVA_OPTION...]
#
# KAFKA_SETTINGS names a file of further settings, a line each, which go before all others: other listeners, or
# a node of a cluster.
#
# FOLDER is absolute and must not exist yet. Standard input is a pipe that the caller holds open and
# never writes to: however the caller ends, killed included, the system closes the pipe, and no broker
# outlives its tests. The script becomes the broker (exec), so the caller's child is the broker itself.
set -eu

folder=$1
broker=127.0.0.1:$2
controller=127.0.0.1:$3
shift 3

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../../../target/services/kafka"

mkdir "$folder"
cp -R formatted "$folder/data"

# The watchdog. `$$` is the broker's process id here too. The id cannot have passed to another process:
# the caller makes this script the head of a process group, the watchdog is in it, and so the number is
# taken for as long as the watchdog lives.
exec 3<&0
(
    cat <&3 || true
    kill -KILL $$ || true
    attempts=50
    until rm -rf "$folder" || [ "$attempts" -eq 0 ]; do
        attempts=$((attempts - 1))
        sleep 0.1
    done
) >/dev/null 2>&1 &

if [ -f kafka.jsa ]; then
    set -- -XX:SharedArchiveFile=kafka.jsa "$@"
fi

log4j="-Dlog4j2.configurationFile=file:$here/log4j2.properties"
set -- "$@" "$log4j" kafka.Kafka "$here/server.properties" \
    --override "controller.quorum.voters=1@$controller" \
    --override "listeners=PLAINTEXT://$broker,CONTROLLER://$controller" \
    --override "advertised.listeners=PLAINTEXT://$broker" \
    --override "log.dirs=$folder/data"

if [ -n "${KAFKA_SETTINGS:-}" ]; then
    while IFS= read -r setting; do
        set -- "$@" --override "$setting"
    done <"$KAFKA_SETTINGS"
    # The formatted folder is the first node's.
    node=$(sed -n 's/^node.id=//p' "$KAFKA_SETTINGS")
    meta=$folder/data/meta.properties
    if [ -n "$node" ]; then
        # Folders are known by 128 bits in base64, of which the last letter holds two: these differ in them.
        letter=$(printf '%s' AQgw | cut -c $((node % 4 + 1)))
        sed -e "s/^node.id=.*/node.id=$node/" -e "s/^\(directory.id=.*\).$/\1$letter/" "$meta" >"$meta.new"
        mv "$meta.new" "$meta"
    fi
    rm -f "$KAFKA_SETTINGS"
fi

exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" @java.args "$@" 3<&- </dev/null >"$folder/broker.log" 2>&1
