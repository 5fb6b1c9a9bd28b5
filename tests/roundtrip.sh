#!/usr/bin/env bash
# Two agents at a real node, unboxed and in each kind of box: one sends, the turn of the other (the real Claude Code, on the scripted model; begun by its harness, and by the node) answers, and
# the node is killed -9 in between. Nothing is lost, each message is in the log once, what may be handled again is marked. Brings the agent CLIs when they are not there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec bash tools/run.sh test:real test/cli/roundtrip.real.test.ts test/cli/roundtrip-boxes.real.test.ts test/cli/roundtrip-turns.real.test.ts
