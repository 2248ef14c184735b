#!/bin/sh
# Brings one date of the pipeline to its end. Whoever schedules it may call it as often as he likes: what is done
# is not done again, what was interrupted is gone on with.
#
#   deploy/weekly.sh --profile prod
#
# The arguments go to `dfpipe run` and to `dfpipe run --resume` alike, so only those that both take.
#
#   DFPIPE          the program                                                            [dfpipe]
#   DFPIPE_WEEKDAY  run for the last midnight, in UTC, of this day: 1 is Monday, 7 Sunday  [dfpipe's own moment]
#   DFPIPE_TRIES    how often it is tried                                                  [5]
#   DFPIPE_PAUSE    seconds before the second try; every later pause is twice as long      [60]
#
# Exit codes: 0 the date is loaded, now or before; 130 asked to stop; else dfpipe's own, see deploy/README.md.
set -u

dfpipe=${DFPIPE:-dfpipe}
tries=${DFPIPE_TRIES:-5}
pause=${DFPIPE_PAUSE:-60}
child=
stopped=

# As process 1 of a container only the shell gets the signal: dfpipe would be killed without having heard of it.
trap 'stopped=yes; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM
# Ctrl-C reaches dfpipe by itself, and a second signal would end it at once.
trap 'stopped=yes' INT

# A fixed moment: the windows of two weeks meet exactly, and a try on Tuesday is still Monday's run.
as_of=
case ${DFPIPE_WEEKDAY:-} in
'') ;;
[1-7])
    now=$(date -u +%s)
    days=$((($(date -u -d "@$now" +%u) + 7 - DFPIPE_WEEKDAY) % 7))
    as_of=$(date -u -d "@$((now - days * 86400))" +%F)
    ;;
*)
    echo "weekly.sh: DFPIPE_WEEKDAY is a number from 1 (Monday) to 7 (Sunday)" >&2
    exit 2
    ;;
esac

run() {
    # In the background, for only within `wait` does a shell act upon a signal at once.
    "$dfpipe" run "$@" &
    child=$!
    wait "$child"
    code=$?
    # A signal ended the waiting, not dfpipe, which is now about to end cleanly.
    [ -z "$stopped" ] || { wait "$child"; code=$?; }
    child=
}

try=1
while :; do
    run ${as_of:+--as-of "$as_of"} "$@"
    if [ "$code" -eq 2 ] && [ -z "$stopped" ]; then
        # Something is misconfigured, or an unfinished run of the date is waiting; only the message says which.
        # As long as that is so, the same call says it again and does nothing.
        waiting=$("$dfpipe" run ${as_of:+--as-of "$as_of"} "$@" 2>&1 >/dev/null |
            sed -n 's/.*dfpipe run --resume \([0-9][0-9TZ-]*\).*/\1/p' | head -n 1)
        [ -z "$waiting" ] || run --resume "$waiting" "$@"
    fi
    case $code in
    # Loaded now, or loaded already (7): to a scheduler that is the same.
    0 | 7) exit 0 ;;
    esac
    [ -z "$stopped" ] || exit 130
    case $code in
    # The outside said no, the extract is partial, the load is in doubt, dfpipe alone was ended: may be otherwise later.
    3 | 4 | 5 | 130 | 137 | 143) ;;
    # Wrong data, wrong configuration, a bug: the same tomorrow. A person must look.
    *) exit "$code" ;;
    esac
    [ "$try" -lt "$tries" ] || exit "$code"
    try=$((try + 1))
    echo "weekly.sh: dfpipe ended with exit code $code; try $try of $tries in $pause s" >&2
    sleep "$pause" &
    child=$!
    wait "$child"
    [ -z "$stopped" ] || { kill "$child" 2>/dev/null; exit 130; }
    child=
    pause=$((pause * 2))
done
