# An agent at work, as far as its screen tells: ten lines a second, and no process for the waiting in between.
exec 3<> <(:)
for ((n = 1; ; n++)); do
  printf 'step %d of the work (esc to interrupt)\n' "$n"
  read -r -t 0.1 -u 3
done
