# shellcheck shell=sh
# Report what a shell script does to Seasoned. For any POSIX shell; source it:
#
#     . "$(seasoned config shell-library)"
#     log_trace_event prompt '{"prompt": "Publish version 2.1", "agent": "release-script"}'
#     started=$(start_trace_timer)
#     make dist && code=0 || code=$?
#     log_trace_event tool "{\"tool\": \"make\", \"exit_code\": $code, \"duration_ms\": $(calculate_duration "$started")}"
#     log_trace_event complete '{"success": true}'
#
# Nothing here prints to the script's output, fails it, is waited for, or reads its input. An event is in a file of the
# data folder's inbox before log_trace_event returns; a service that is running gets it at once, the next command of
# Seasoned takes it from there otherwise. With SEASONED_URL set it goes to that server instead, in the background, and
# into the inbox only if it could not be handed over.
#
# SEASONED_CORRELATION_ID  the run that events belong to; made here where it is not set, and handed down
# SEASONED_ROOT_ID         the topmost run of the tree that this one is part of; likewise
# SEASONED_PARENT_ID       the run that started this one; likewise. A run that nobody started names itself in both
# SEASONED_URL             http(s)://host:port of `seasoned serve`; unset: the service of this machine
# SEASONED_TOKEN           the token for SEASONED_URL
# SEASONED_HOME            the data folder, as everywhere

# Milliseconds since 1970 where there is a clock that has them: bash's own, GNU date, perl. With "any" as argument
# also of another beginning, as durations need no more. Without such a clock: whole seconds.
_seasoned_clock() (
    set +eu
    if [ -n "${BASH_VERSION-}" ] && [ -n "${EPOCHREALTIME-}" ]; then
        micros=${EPOCHREALTIME#*[.,]}
        printf '%s' "${EPOCHREALTIME%%[.,]*}${micros%???}"
        exit 0
    fi
    # Where date does not know %N it prints it, or a part of it, or nothing in its place.
    nanos=$(date +%s%N)
    case $nanos in
    *[!0-9]*) nanos= ;;
    esac
    if [ "${#nanos}" -gt 15 ]; then
        printf '%s' "${nanos%??????}"
        exit 0
    fi
    if [ "${1-}" = any ] && [ -r /proc/uptime ] && read -r uptime _ </proc/uptime; then
        # Hundredths. The 1 in front keeps a shell from reading 08 as an octal number.
        hundredths=${uptime#*.}
        printf '%s' "$((${uptime%.*} * 1000 + (1$hundredths - 100) * 10))"
        exit 0
    fi
    perl -MTime::HiRes=time -e 'printf "%d", 1000 * time' || {
        seconds=$(date +%s) && printf '%s000' "$seconds"
    }
) 2>/dev/null

# $1 bytes of chance, in hexadecimal.
_seasoned_chance() (
    set +eu
    unset IFS
    # shellcheck disable=SC2046  # one word for each byte
    set -- "$1" $(od -An -N"$1" -tx1 /dev/urandom)
    bytes=$1
    shift
    if [ $# -eq "$bytes" ]; then
        hex=
        for byte in "$@"; do hex=$hex$byte; done
    else # no /dev/urandom, or no od: the process and the time must do
        hex=$(printf '%08x%08x%08x%08x' "$$" "$(_seasoned_clock)" "${PPID:-0}" "$(ls -l /tmp | cksum | cut -d' ' -f1)")
        while [ "${#hex}" -gt $((bytes * 2)) ]; do hex=${hex#?}; done
    fi
    printf '%s' "$hex"
) 2>/dev/null

# A UUIDv7 (RFC 9562, 5.7): it says when the run began.
_seasoned_new_id() (
    set +eu
    time=$(printf '%012x' "$(_seasoned_clock)")
    chance=$(_seasoned_chance 9)
    last=${chance#??????}
    first=${chance%"$last"}
    printf '%s-%s-7%s-a%s-%s' "${time%????}" "${time#????????}" "${first%???}" "${first#???}" "$last"
) 2>/dev/null

# Succeeds where $1 may stand in a header and between quotation marks.
_seasoned_is_clean() {
    case $1 in
    *[!A-Za-z0-9._:@/+=-]*) return 1 ;;
    esac
}

_seasoned_begin() {
    _seasoned_is_clean "${SEASONED_CORRELATION_ID=}" || SEASONED_CORRELATION_ID=
    _seasoned_is_clean "${SEASONED_ROOT_ID=}" || SEASONED_ROOT_ID=
    _seasoned_is_clean "${SEASONED_PARENT_ID=}" || SEASONED_PARENT_ID=
    if [ -z "$SEASONED_CORRELATION_ID" ]; then
        SEASONED_CORRELATION_ID=$(_seasoned_new_id) || :
    fi
    if [ -z "$SEASONED_PARENT_ID" ]; then
        SEASONED_PARENT_ID=${SEASONED_ROOT_ID:-$SEASONED_CORRELATION_ID}
    fi
    if [ -z "$SEASONED_ROOT_ID" ]; then
        SEASONED_ROOT_ID=$SEASONED_PARENT_ID
    fi
    export SEASONED_CORRELATION_ID SEASONED_ROOT_ID SEASONED_PARENT_ID
}
_seasoned_begin

get_correlation_id() { printf '%s\n' "${SEASONED_CORRELATION_ID-}"; }
get_root_id() { printf '%s\n' "${SEASONED_ROOT_ID-}"; }
get_parent_id() { printf '%s\n' "${SEASONED_PARENT_ID-}"; }

# started=$(start_trace_timer): a moment, for calculate_duration.
start_trace_timer() (
    set +eu
    _seasoned_clock any
    echo
)

# calculate_duration "$started": milliseconds since then; null, which JSON knows too, where that is no moment.
calculate_duration() (
    set +eu
    ended=$(_seasoned_clock any)
    case ${1-} in
    '' | *[!0-9]*)
        echo null
        exit 0
        ;;
    esac
    elapsed=$((ended - $1))
    [ "$elapsed" -ge 0 ] || elapsed=0 # a clock that was put back
    echo "$elapsed"
)

# trace_json_string TEXT: the text as a JSON string, with its quotation marks. Control characters other than tab, line
# feed and carriage return are left out.
trace_json_string() (
    set +eu
    LC_ALL=C
    export LC_ALL
    tab=$(printf '\t')
    return_=$(printf '\r')
    line=$(printf '\001')
    text=$(printf '%s' "${1-}" | tr -d '\000-\010\013\014\016-\037' | tr '\n' '\001' |
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e "s/$tab/\\\\t/g" -e "s/$return_/\\\\r/g" -e "s/$line/\\\\n/g")
    printf '"%s"\n' "$text"
)

# log_trace_event TYPE JSON: TYPE is one of prompt, tool, llm, hook, endpoint, routing, error, complete.
log_trace_event() {
    # A shell of its own, so that no variable, option, descriptor or job of the script is touched.
    (_seasoned_log "$@") </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- || :
}

_seasoned_log() {
    set +eu
    unset IFS
    umask 077
    at=$(_seasoned_clock)
    id=$at-$(_seasoned_chance 8)
    type=${1-}
    _seasoned_is_clean "$type" || type=
    event=${2-}
    : "${event:={\}}"
    data=${SEASONED_HOME:-${XDG_DATA_HOME:-${HOME-}/.local/share}/seasoned}
    correlation=${SEASONED_CORRELATION_ID-}
    root=${SEASONED_ROOT_ID-}
    parent=${SEASONED_PARENT_ID-}
    _seasoned_is_clean "$correlation" || correlation=
    _seasoned_is_clean "$root" || root=
    _seasoned_is_clean "$parent" || parent=
    url=${SEASONED_URL-}
    if [ -n "$url" ]; then
        ( (_seasoned_send || _seasoned_keep) &)
        return 0
    fi
    file=
    _seasoned_keep
    url=http://localhost
    socket=
    if [ -r "$data/run/address" ]; then
        read -r socket <"$data/run/address" # there is no line end, so that read does not say it succeeded
    fi
    if [ -S "$socket" ]; then
        # Two shells: the first one ends at once, so that the second is no child of the script, whose wait and $! are its own.
        ( (_seasoned_send && [ -n "$file" ] && rm -f "$file") &)
    fi
}

# Puts the event into a file of its own in the inbox; file is then its path.
_seasoned_keep() {
    inbox=$data/inbox
    [ -d "$inbox" ] || mkdir -p "$inbox" || return 1
    tries=
    while :; do
        # Digits are put behind, not added: some shells (mksh) count with 32 bits.
        file=$inbox/shell.$$.${at:-0}$tries
        # Exclusively, so that two parts of one script cannot take one name.
        set -C
        if true >"$file"; then
            break
        fi
        tries=$((${tries:-0} + 1))
        if [ ! -e "$file" ] || [ "$tries" -gt 10000 ]; then
            file=
            return 1
        fi
    done
    if ! printf '{"event_type":"%s","headers":{"X-Correlation-ID":"%s","X-Root-ID":"%s","X-Parent-ID":"%s","X-Event-ID":"%s","X-Event-Time":"%s"},"event":%s}\n' \
        "$type" "$correlation" "$root" "$parent" "$id" "$at" "$event" >>"$file"; then
        rm -f "$file" # half an event on a full disk
        file=
        return 1
    fi
}

# Succeeds where the server has taken the event.
_seasoned_send() {
    trap '' HUP # the terminal may be closed before it is done
    set --
    if [ -S "${socket-}" ]; then
        set -- --unix-socket "$socket" --noproxy '*'
    else
        set -- --retry 5 --retry-max-time 120 # waits as long as an answer of 429 says
    fi
    token=${SEASONED_TOKEN-}
    if [ -n "$token" ] && _seasoned_is_clean "$token"; then
        token="header = \"Authorization: Bearer $token\""
    else
        token=
    fi
    # The token goes by a descriptor: arguments are seen by everybody on the machine.
    printf '%s' "$event" | curl -q -s -f -o /dev/null --connect-timeout 5 --max-time 30 "$@" \
        -K /dev/fd/3 --data-binary @- -H 'Content-Type: application/json' -H 'Expect:' \
        -H "X-Correlation-ID: $correlation" -H "X-Root-ID: $root" -H "X-Parent-ID: $parent" \
        -H "X-Event-ID: $id" -H "X-Event-Time: $at" "${url%/}/api/traces/$type" 3<<EOT
$token
EOT
}
