/** A list that grows at its end, and may get earlier entries above. */
import { useLayoutEffect, useRef } from 'react';

/** Room below which the reader counts as being at the end. */
const AT_END_PX = 48;

/**
 * Keeps the end in view for whoever is there, and what is in view for whoever reads on when earlier entries come above it. `first` and `last` are what
 * the list begins and ends with: it is looked at again when one of them is another. `view` goes to the element that scrolls, `watch` to its `onScroll`.
 */
export function useEnd(first: unknown, last: unknown) {
  const view = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const before = useRef({ first, height: 0 });
  useLayoutEffect(() => {
    const { current } = view;
    if (current === null) return;
    if (isAtEnd.current) current.scrollTop = current.scrollHeight;
    // Farther down, the browser itself holds what is in view.
    else if (first !== before.current.first && current.scrollTop < AT_END_PX)
      current.scrollTop += current.scrollHeight - before.current.height;
    before.current = { first, height: current.scrollHeight };
  }, [first, last]);
  const watch = (): void => {
    const { current } = view;
    if (current === null) return;
    isAtEnd.current = current.scrollHeight - current.scrollTop - current.clientHeight < AT_END_PX;
  };
  return { view, watch };
}
