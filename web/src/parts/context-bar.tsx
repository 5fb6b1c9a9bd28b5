/** How full the conversation of an agent is, as its tool says it. */
import type { ContextUse } from '../../../src/core/schema/transcript.ts';

/** From here on the tool soon drops what was said first. */
const FULL_SHARE = 0.85;

export function ContextBar({ context: { tokens, max } }: { context: ContextUse }) {
  const told = tokens.toLocaleString('en');
  if (max === null || max === 0)
    return (
      <p className="text-xs text-muted">{told} tokens in its conversation; how many fit is not told by this tool</p>
    );
  const share = Math.min(tokens / max, 1);
  const text = `${told} of ${max.toLocaleString('en')} tokens (${Math.round(share * 100)} %)`;
  return (
    <div className="flex min-w-0 items-center gap-2 text-xs text-muted" title={`Conversation: ${text}`}>
      <meter
        aria-label="How full its conversation is"
        min={0}
        max={1}
        value={share}
        className={`context-bar h-1.5 min-w-12 grow ${share >= FULL_SHARE ? 'is-full' : ''}`}
      >
        {text}
      </meter>
      <span className="shrink-0 tabular-nums">{text}</span>
    </div>
  );
}
