/** What an agent printed: text and nothing else, whatever it holds. New lines are followed while the reader is at the end. */
import { useLayoutEffect, useRef } from 'react';

/** Room below which the reader counts as being at the end. */
const AT_END_PX = 24;

export function Output({ text, label, empty }: { text: string; label: string; empty: string }) {
  const view = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    const { current } = view;
    if (current !== null && isAtEnd.current) current.scrollTop = current.scrollHeight;
  }, [text]);
  const watch = (): void => {
    const { current } = view;
    if (current === null) return;
    isAtEnd.current = current.scrollHeight - current.scrollTop - current.clientHeight < AT_END_PX;
  };
  if (text === '') return <p className="py-6 text-center text-[13px] text-muted">{empty}</p>;
  return (
    <pre
      ref={view}
      tabIndex={0}
      role="log"
      aria-label={label}
      className="code max-h-[60vh] min-h-24 overflow-y-auto"
      onScroll={watch}
    >
      {text}
    </pre>
  );
}
