# Shows each line that is written to the pipe `told` beside this script on a screen that is empty otherwise, without an end of line.
exec 3<> "${0%/*}/told"
while IFS= read -r -u 3 line; do printf '\033[H\033[2J%s' "$line"; done
