#!/bin/sh
# Keeps what an agent's hook says on its standard input, and, where asked to, lets the resident service answer.
#
#   sh hook.sh SOURCE [ask|-] [DATA_FOLDER]
#
# SOURCE: claude_code, codex or gemini. One call makes one file, DATA_FOLDER/inbox/SOURCE.PID.N, as the agent wrote it.
# Whatever fails here costs the agent nothing: the exit code is 0 (2 would block it), nothing but an answer is printed,
# and DATA_FOLDER/hooks.log says what went wrong. Only `cat` is started: a process costs more than all the rest.
umask 077
if true 2>/dev/null; then exec 2>/dev/null; fi # of an exec that fails a shell ends, with 2
set -C # a file is only ever made, never written over
PATH=${PATH:-/usr/bin:/bin}

source=${1:-} mode=${2:--} data=${3:-}

gone() { # nobody reads on: take the rest, so that the agent's write does not fail
	cat >/dev/null
	exit 0
}

note() { # one line into the log; at most 64 KiB and as much again of what came before
	log=$data/hooks.log
	if [ -h "$log" ]; then return; fi
	size=$(wc -c <"$log")
	if [ "${size:-0}" -gt 65536 ]; then mv -f -- "$log" "$log.1"; fi
	printf '%s hook %s: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$source" "$1" >>"$log"
}

case $source in
claude_code | codex | gemini) ;;
*) gone ;;
esac

told=yes
if [ -z "$data" ]; then
	data=${SEASONED_HOME:-}
	if [ -z "$data" ] && [ -n "${XDG_DATA_HOME:-}" ]; then data=$XDG_DATA_HOME/seasoned; fi
	case $data in
	"") ;;
	/* | "~/"*) told= ;; # by the environment, which a project can change: Gemini CLI reads its .env
	*) gone ;; # another folder in each project
	esac
	if [ -z "$data" ]; then
		home=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
		[ -n "$home" ] || gone
		data=$home/.local/share/seasoned
	fi
fi
case $data in
"~/"*) data=${HOME:-}/${data#"~/"} ;; # as a settings file or an agent may hand it on
esac

inbox=$data/inbox
number=0 made=
until true >"$inbox/$source.$$.$number"; do
	if [ -e "$inbox/$source.$$.$number" ] || [ -h "$inbox/$source.$$.$number" ]; then
		number=$((number + 1)) # of an older process with this number
		if [ "$number" -lt 1000 ]; then continue; fi
		note 'not kept: every name in the inbox is taken'
		gone
	fi
	if [ -n "$made" ]; then
		note 'not kept: no file can be made in the inbox'
		gone
	fi
	made=yes
	mkdir -p -- "$inbox"
done
file=$inbox/$source.$$.$number

if ! cat >|"$file"; then
	rm -f -- "$file" # half an event is none
	note 'not kept: the file could not be written whole (is the disk full?)'
	gone
fi
if ! [ -s "$file" ]; then
	rm -f -- "$file"
	note 'not kept: the agent said nothing'
	exit 0
fi

if [ "$mode" != ask ] || [ "${SEASONED_SERVICE:-}" = off ] || [ -e "$data/run/silent" ]; then exit 0; fi

python=
if [ -n "$told" ] && [ -f "$data/run/python" ] && [ -O "$data/run/python" ]; then IFS= read -r python <"$data/run/python"; fi
case $python in
/*) [ -x "$python" ] || python=python3 ;;
*) python=python3 ;;
esac
here=${0%/*}
if [ "$here" = "$0" ]; then here=.; fi
# No exec: of a Python that does not find its file the exit code is 2.
"$python" -I -S "$here/ask.py" "$file" "$data" "$source" </dev/null
if [ $? -gt 125 ]; then note 'not asked: python3 cannot be run'; fi
exit 0
