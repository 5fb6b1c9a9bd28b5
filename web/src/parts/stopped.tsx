/** The node of this page stopped by itself. It cannot be asked any more: what it said last stands here until it is there again. */
import { OctagonAlert } from 'lucide-react';
import { useStore } from '../model/store.ts';

/** As in docs/websocket.md. */
const WENT_BACK = 4001;

export function Stopped() {
  const code = useStore((held) => held.stopped);
  if (code === undefined) return null;
  return (
    <div role="alert" className="mb-5 flex items-start gap-2 rounded-md bg-red-ground px-3 py-2.5 text-[13px] text-red">
      <OctagonAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0">
        {code === WENT_BACK ? <WentBack /> : <p>This node stopped by itself. Its log says why.</p>}
      </div>
    </div>
  );
}

function WentBack() {
  return (
    <>
      <p className="font-medium">This node’s directory went back in time.</p>
      <p>
        It was brought back from a copy or a snapshot, and may have forgotten what it voted and started. So it stopped,
        and must not run again. The others go on. Make a new node in its place:{' '}
        <code className="wrap-anywhere">skep restore BACKUP --data-dir NEW</code> from a backup, or{' '}
        <code className="wrap-anywhere">skep up --data-dir NEW --join CODE</code> from nothing.
      </p>
    </>
  );
}
