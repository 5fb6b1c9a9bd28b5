#!/usr/bin/env bash
# One emperor and two workers in the panes of a tmux session, as the seed's demo had them.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/panes.sh"

health() { echo "http://127.0.0.1:$(port 9090)/health"; }

open_session skep-swarm
seeds=127.0.0.1:$(port 7101) found=--discovery-port=$(port 6101)
pane "$(port 7101)" swarm --role=emperor "--http-port=$(port 9090)" "$found"
pane "$(port 7102)" swarm --role=worker "--http-port=$(port 9091)" "$found" "--seeds=$seeds"
pane "$(port 7103)" swarm --role=worker "--http-port=$(port 9092)" "$found" "--seeds=$seeds"

cat <<EOF
The swarm is up, in the tmux session $session.

  emperor   http://127.0.0.1:$(port 9090)
  worker 1  http://127.0.0.1:$(port 9091)
  worker 2  http://127.0.0.1:$(port 9092)

Log in:     $skep open --p2p-port $(port 7101) --data-dir $data

# Register an agent on worker 1
curl -X POST http://127.0.0.1:$(port 9091)/api/swarm/agents \\
  -H "Authorization: Bearer \$(cat $data/token)" -H 'Content-Type: application/json' \\
  -d '{"name":"claude-1","tool":"claude","capabilities":["php"],"project_path":"/home/you/project"}'

# Create a task at the emperor
curl -X POST http://127.0.0.1:$(port 9090)/api/swarm/tasks \\
  -H "Authorization: Bearer \$(cat $data/token)" -H 'Content-Type: application/json' \\
  -d '{"title":"Optimize queries","description":"Review and optimize all SQL queries for performance"}'

Look:       tmux attach -t $session
End:        tmux kill-session -t $session
EOF
