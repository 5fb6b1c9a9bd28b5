/** Whether this page is live, and how old what it shows is when it is not. */
import type { Connection } from '../model/store.ts';
import { lastHeard, useStore } from '../model/store.ts';
import { spanText } from '../model/text.ts';
import { useNow } from './time.tsx';

const LOOKS: Readonly<Record<Connection, { text: string; tone: string }>> = {
  connecting: { text: 'connecting', tone: 'text-grey' },
  live: { text: 'live', tone: 'text-green' },
  reconnecting: { text: 'reconnecting', tone: 'text-amber' },
};
/** A status comes every 5 s: beyond this something is slow, and the age is shown. */
const FRESH_MS = 8_000;

export function ConnectionState() {
  const connection = useStore((held) => held.connection);
  const now = useNow();
  const ageMs = now - lastHeard.ms;
  const { text, tone } = LOOKS[connection];
  const isOld = connection !== 'connecting' && ageMs > FRESH_MS;
  return (
    <span
      role="status"
      data-connection={connection}
      title={`Heard from this node ${spanText(ageMs)} ago`}
      className={`flex items-center gap-1.5 text-xs font-medium whitespace-nowrap ${isOld ? 'text-amber' : tone}`}
    >
      <span
        aria-hidden
        className={`size-2 rounded-full ${connection === 'live' ? 'bg-current' : 'animate-pulse border-[1.5px] border-current'}`}
      />
      {text}
      {isOld ? `, as of ${spanText(ageMs)} ago` : ''}
    </span>
  );
}
