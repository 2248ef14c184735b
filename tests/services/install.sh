#!/usr/bin/env bash
# Gets the services that the tests talk to: Apache Kafka, an S3 server, a BigQuery emulator and a browser,
# all named under target/services/.
#
# Run it as often as you like: what is there already is left alone, which takes a moment. Java, Maven and
# Python come from apt-get where that may be used; elsewhere the script prints the line to type and stops.
# The browser comes from there as well, if none is installed. A service that cannot be had otherwise costs its own tests only, unless CI=true.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
services=$(cd "$here/../.." && pwd)/target/services
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"

say() { printf '%s\n' "$*" >&2; }

# --- what is there already ------------------------------------------------------------------------
# A stamp is written last, so that what was left half done is done again. It holds the sum of the files
# that say what to install, and the program that runs it: another Java cannot read the class archive.

kafka_pins() {
    cat "$here/install.sh" "$here/kafka/"* | cksum
    identity "$java"
}

python_pins() {
    cat "$here/install.sh" "$here/python/"* | cksum
    identity "$services/python/bin/python"
}

bigquery_pins() {
    cat "$here/install.sh" "$here/bigquery/requirements.txt" | cksum
    identity "$services/bigquery/bin/python"
}

chromium_pins() {
    cksum <"$here/install.sh"
    identity "$services/chromium/program"
}

identity() {
    local program
    if program=$(command -v "$1"); then cksum <"$program"; fi
}

is_current() { # SERVICE
    [ -f "$services/$1/stamp" ] && [ "$("$1_pins")" = "$(<"$services/$1/stamp")" ]
}

stamp() { # SERVICE
    "$1_pins" >"$services/$1/stamp"
}

# --- one at a time --------------------------------------------------------------------------------

lock() {
    mkdir -p "$services"
    if command -v flock >/dev/null; then
        exec 9>"$services/lock" # let go by the system, however this script ends
        flock 9
    else
        until mkdir "$services/lock.d" 2>/dev/null; do
            say "Another install is running; if that is not so, remove $services/lock.d."
            sleep 2
        done
        trap 'rmdir "$services/lock.d"' EXIT
    fi
}

# --- Java, Maven, Python --------------------------------------------------------------------------

has_java() {
    local version
    version=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p') || return 1
    [ "${version:-0}" -ge 17 ]
}

has_maven() { command -v mvn >/dev/null; }

has_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null; }

install_tools() {
    local packages=()
    has_java || packages+=(default-jre-headless)
    has_maven || packages+=(maven)
    has_venv || packages+=(python3-venv)
    [ ${#packages[@]} -gt 0 ] || return 0

    say "Installing what the test services need: ${packages[*]}."
    apt_install "${packages[@]}" || true
    if ! { has_java && has_maven && has_venv; }; then
        say "The test services need Java 17 or newer, Maven, and Python 3 with its venv module. Type this line, then try again:"
        say "    sudo apt-get install -y ${packages[*]}"
        say "On another system, install the like. \`cargo test --workspace\` works without, and skips what needs a service."
        exit 1
    fi
}

apt_install() { # PACKAGE...
    local sudo=()
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || return 1
        sudo=(sudo -n)
    fi
    local install=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@")
    "${install[@]}" </dev/null >&2 && return
    # A fresh machine has an old list of packages, or none.
    "${sudo[@]}" apt-get update -q </dev/null >&2
    "${install[@]}" </dev/null >&2
}

# --- Apache Kafka ---------------------------------------------------------------------------------
# `set -e` does not reach into a function that is called in a condition: each step says `|| return`.

install_kafka() {
    local home="$services/kafka" complaints
    say "Fetching Apache Kafka for the tests (45 MB)."
    rm -rf "$home"
    mkdir -p "$home"
    complaints=$(mvn -q -B -Dstyle.color=never -f "$here/kafka/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$home/lib" </dev/null 2>&1) || {
        say "$complaints"
        return 1
    }
    write_java_arguments "$home" || return
    format_storage "$home" || return
    archive_classes "$home" || say "The class archive could not be made; the broker starts without it, 2 seconds slower."
}

# Flags that make a short life quick. The class path is written out, in order, because Java refuses a
# class archive whose class path differs.
write_java_arguments() { # HOME
    (
        cd "$1"
        echo "-Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
        printf -- '-cp "%s"\n' "$(printf '%s\n' lib/*.jar | LC_ALL=C sort | paste -sd: -)"
    ) >"$1/java.args"
}

# Done once here and copied by each start, as it takes longer than the start itself.
format_storage() { # HOME
    (
        cd "$1"
        "$java" @java.args kafka.tools.StorageTool format \
            --cluster-id dfpipetestsAAAAAAAAAAA --config "$here/kafka/server.properties" </dev/null >/dev/null
    )
}

# Java keeps the classes that a first broker loaded: later ones start in half the time.
archive_classes() { # HOME
    local folder="$services/first-start" broker status=1
    rm -rf "$folder" "$folder.stdin"
    mkfifo "$folder.stdin"
    "$here/kafka/start.sh" "$folder" "$(free_port)" "$(free_port)" -XX:ArchiveClassesAtExit=kafka.jsa \
        <"$folder.stdin" 9>&- &
    broker=$!
    exec 8>"$folder.stdin" # held open: the broker lives as long
    if wait_for_line "$folder/broker.log" "Kafka Server started" "$broker"; then
        kill -TERM "$broker"
        wait "$broker" || true # 143: ended by a signal, as asked
        [ -s "$1/kafka.jsa" ] && status=0
    fi
    exec 8>&- # now the watchdog tidies up
    rm -f "$folder.stdin"
    return $status
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

wait_for_line() { # FILE TEXT PROCESS
    local deadline=$((SECONDS + 60))
    until grep -qs "$2" "$1"; do
        if [ $SECONDS -ge $deadline ] || ! kill -0 "$3" 2>/dev/null; then
            tail -n 20 "$1" >&2
            return 1
        fi
        sleep 0.1
    done
}

# --- the S3 server --------------------------------------------------------------------------------

install_python() {
    say "Fetching the S3 server for the tests (140 MB with what it needs)."
    rm -rf "$services/python"
    python3 -m venv "$services/python" || return
    "$services/python/bin/pip" install -q --disable-pip-version-check --no-input \
        -r "$here/python/requirements.txt" </dev/null >&2 || return
}

# --- the BigQuery emulator ------------------------------------------------------------------------

install_bigquery() {
    say "Fetching the BigQuery emulator for the tests (500 MB with what it needs)."
    rm -rf "$services/bigquery"
    python3 -m venv "$services/bigquery" || return
    "$services/bigquery/bin/pip" install -q --disable-pip-version-check --no-input \
        -r "$here/bigquery/requirements.txt" </dev/null >&2 || return
}

# --- the browser ----------------------------------------------------------------------------------
# Chromium opens the reports as people do. It is not ours to unpack: the system's own is named, if need be
# after installing it.

install_chromium() {
    local home="$services/chromium" program
    if ! program=$(find_chromium); then
        say "Installing Chromium, in which the tests open the reports."
        apt_install chromium || say "It can be installed by: sudo apt-get install -y --no-install-recommends chromium"
        program=$(find_chromium) || return
    fi
    rm -rf "$home"
    mkdir -p "$home"
    ln -s "$program" "$home/program"
    "$home/program" --version >/dev/null 2>&1
}

find_chromium() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

# --- the whole of it ------------------------------------------------------------------------------

ensure() { # SERVICE WHICH_TESTS
    is_current "$1" && return
    if "install_$1"; then
        stamp "$1"
    else
        rm -f "$services/$1/stamp"
        say "The service \`$1\` cannot be had (the reason stands above): $2 will be skipped."
        return 1
    fi
}

if is_current kafka && is_current python && is_current bigquery && is_current chromium; then
    exit 0
fi
lock
install_tools
missing=0
ensure kafka "the tests that read from Apache Kafka" || missing=1
ensure python "the tests that read from or write to an object store" || missing=1
ensure bigquery "the tests that load into the BigQuery emulator" || missing=1
ensure chromium "the tests that look at reports in a browser" || missing=1
if [ $missing -eq 0 ]; then
    say "The test services are in place."
elif [ "${CI:-}" = true ]; then
    say "In CI no test may be skipped, so this is a failure."
    exit 1
fi
