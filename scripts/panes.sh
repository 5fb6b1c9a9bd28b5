# Sourced by the demos: nodes in the panes of one tmux session. Options of both: --data-dir DIR, --port-offset N (added to
# every port), --fresh (forget the nodes of an earlier run).
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
skep=$root/bin/skep
data=data offset=0 fresh=no

while [ $# -gt 0 ]; do
  case $1 in
    --data-dir) data=${2:?--data-dir DIR} && shift 2 ;;
    --data-dir=*) data=${1#*=} && shift ;;
    --port-offset) offset=${2:?--port-offset N} && shift 2 ;;
    --port-offset=*) offset=${1#*=} && shift ;;
    --fresh) fresh=yes && shift ;;
    *)
      echo "usage: bash $0 [--data-dir DIR] [--port-offset N] [--fresh]" >&2
      exit 2
      ;;
  esac
done
case $offset in '' | *[!0-9]*) echo "--port-offset: expected a number, got $offset" >&2 && exit 2 ;; esac

# port N: as the seed has it, moved by the offset.
port() { echo $(($1 + offset)); }

# open_session NAME: refuses a second one, and sets up before any pane needs it.
open_session() {
  session=$1 panes=0
  command -v tmux >/dev/null || { echo "this demo needs tmux: apt-get install tmux" >&2 && exit 1; }
  if tmux has-session -t "=$session" 2>/dev/null; then
    echo "it runs already. Look: tmux attach -t $session    End: tmux kill-session -t $session" >&2
    exit 1
  fi
  "$skep" --version >/dev/null || exit 1
  mkdir -p "$data" && data=$(cd "$data" && pwd) || exit 1
}

# pane P2P_PORT WORD...: `skep WORD... ` in a pane of its own; it stays when the node ends, so that its last words can be read.
pane() {
  local p2p=$1 command
  shift
  [ "$fresh" = yes ] && rm -rf "${data:?}/$p2p"
  printf -v command '%q ' "$skep" "$@" "--p2p-port=$p2p" "--data-dir=$data"
  command="$command; echo \"ended with \$?\"; exec cat"
  if [ "$panes" -eq 0 ]; then
    tmux new-session -d -s "$session" -x 200 -y 50 "$command" || exit 1
  else
    tmux split-window -t "=$session:" "$command" && tmux select-layout -t "=$session:" tiled >/dev/null || exit 1
  fi
  panes=$((panes + 1))
  # The first makes the token and the secret that the others read.
  if [ "$panes" -eq 1 ]; then wait_for "$(health)" || echo "the first node does not answer yet: tmux attach -t $session" >&2; fi
}

# wait_for URL: until it answers, half a minute at most.
wait_for() {
  local try
  for try in $(seq 150); do
    curl -sf -o /dev/null "$1" && return 0
    sleep 0.2
  done
  return 1
}
