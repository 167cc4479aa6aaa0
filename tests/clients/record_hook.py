"""A hook that keeps what it is given: `python3 -I -S record_hook.py FOLDER`.

Each call leaves two files in FOLDER, named by the time at which it came: the payload's bytes as the client wrote them, and
the session's transcript as it was then. Where FOLDER/answers holds a file named like the event, its bytes are the answer.
"""

import json
import os
import sys
import time
from pathlib import Path

began = time.time_ns()
folder = Path(sys.argv[1])
raw = sys.stdin.buffer.read()
payload = json.loads(raw)
transcript = Path(payload["transcript_path"] or os.devnull)
kept = folder / f"{began}.{os.getpid()}.transcript"
kept.write_bytes(transcript.read_bytes() if transcript.exists() else b"")
kept.with_suffix(".json").write_bytes(raw)
answer = folder / "answers" / payload["hook_event_name"]
if answer.exists():
    sys.stdout.buffer.write(answer.read_bytes())
