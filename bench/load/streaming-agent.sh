#!/bin/bash
# Speaks as much of Claude Code's protocol as a turn needs, and prints the time, in microseconds, as its words: WORDS of
# them, PAUSE seconds apart. `claude -p …` with any arguments.
lines=${WORDS:?} pause=${PAUSE:?}
text() { printf '{"type":"stream_event","parent_tool_use_id":null,"event":{"type":"content_block_delta","delta":{"type":"text_delta","text":"%s\\n"}}}\n' "$1"; }
# A pipe into which nobody writes: a wait without a process.
exec 3<> <(:)
while IFS= read -r asked; do
  uuid=$(sed -n 's/.*"uuid":"\([^"]*\)".*/\1/p' <<<"$asked")
  [ -n "$uuid" ] || continue
  printf '{"type":"system","subtype":"init","session_id":"%s"}\n' "$$"
  printf '{"type":"command_lifecycle","command_uuid":"%s","state":"started"}\n' "$uuid"
  printf '{"type":"stream_event","parent_tool_use_id":null,"event":{"type":"content_block_start","content_block":{"type":"text"}}}\n'
  # Until whoever wants to hear it all listens.
  [ "$lines" -eq 0 ] || read -rt 5 -u 3 || true
  for ((n = 0; n < lines; n++)); do
    text "at ${EPOCHREALTIME/[^0-9]/}"
    read -rt "$pause" -u 3 || true
  done
  # It is reminded that its task has no outcome yet: that is a turn without words.
  lines=0
  printf '{"type":"stream_event","parent_tool_use_id":null,"event":{"type":"content_block_stop"}}\n'
  printf '{"type":"result","uuid":"%s","is_error":false,"result":"done","user_message_uuids":["%s"]}\n' "$uuid-r" "$uuid"
done
