/** A window above the page; Escape closes it and the focus goes back to where it was. */
import { Dialog } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useRef } from 'react';

const FIELD = 'input:not([type="hidden"]), textarea, select';

export function Window(o: {
  title: ReactNode;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
}) {
  const body = useRef<HTMLDivElement>(null);
  return (
    <Dialog.Root open={o.isOpen} onOpenChange={(isOpen) => (isOpen ? undefined : o.onClose())}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-black/40" />
        <Dialog.Popup
          // The button that closes stands first, and is not what one opens it for. On a phone, a field would bring up the keys.
          initialFocus={(how) => (how === 'touch' ? true : (body.current?.querySelector<HTMLElement>(FIELD) ?? true))}
          className={`fixed inset-x-0 bottom-0 z-50 mx-auto flex max-h-[92dvh] w-full flex-col rounded-t-xl border border-line bg-surface shadow-xl sm:inset-x-4 sm:top-[8vh] sm:bottom-auto sm:max-h-[84vh] sm:w-auto sm:rounded-xl ${o.wide === true ? 'sm:max-w-4xl' : 'sm:max-w-xl'}`}
        >
          <div className="flex items-center gap-3 border-b border-line px-4 py-2.5">
            <Dialog.Title className="min-w-0 grow truncate text-sm font-semibold">{o.title}</Dialog.Title>
            <Dialog.Close
              aria-label="Close"
              className="rounded-md p-1.5 text-muted hover:bg-grey-ground hover:text-text"
            >
              <X aria-hidden className="size-4" />
            </Dialog.Close>
          </div>
          <div ref={body} className="min-h-0 overflow-y-auto p-4">
            {o.children}
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
