#!/usr/bin/env bash
# Five graffiti walls in the panes of a tmux session, each with all others as seeds: what is written on one appears on all.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/panes.sh"

health() { echo "http://127.0.0.1:$(port 8081)/health"; }

open_session skep-demo
for n in 1 2 3 4 5; do
  seeds=
  for other in 1 2 3 4 5; do [ "$other" = "$n" ] || seeds=$seeds${seeds:+,}127.0.0.1:$(port $((7000 + other))); done
  pane "$(port $((7000 + n)))" demo "--http-port=$(port $((8080 + n)))" "--discovery-port=$(port $((6000 + n)))" "--seeds=$seeds"
done

echo "Five walls are up, in the tmux session $session."
echo
for n in 1 2 3 4 5; do echo "  wall $n   http://127.0.0.1:$(port $((8080 + n)))"; done
cat <<EOF

Log in:   $skep open --p2p-port $(port 7001) --data-dir $data

# Write on wall 1, read on wall 5
curl -X POST http://127.0.0.1:$(port 8081)/api/posts \\
  -H "Authorization: Bearer \$(cat $data/token)" -H 'Content-Type: application/json' -d '{"content":"Hello, wall","author":"ann"}'
curl -H "Authorization: Bearer \$(cat $data/token)" http://127.0.0.1:$(port 8085)/api/posts

Look:     tmux attach -t $session
End:      tmux kill-session -t $session
EOF
