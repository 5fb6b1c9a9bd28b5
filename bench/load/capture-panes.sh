# capture-panes.sh SOCKET COUNTS PANE…: one `tmux capture-pane` process a pane a second; a line in COUNTS after each round.
socket=$1 counts=$2
shift 2
exec 3<> <(:)
while :; do
  nextUs=$((${EPOCHREALTIME/./} + 1000000))
  for pane in "$@"; do tmux -S "$socket" capture-pane -p -t "$pane" > /dev/null; done
  echo "$#" >> "$counts"
  leftUs=$((nextUs - ${EPOCHREALTIME/./}))
  printf -v left "0.%06d" $((leftUs < 999999 ? leftUs : 999999))
  ((leftUs > 0)) && read -r -t "$left" -u 3
done
