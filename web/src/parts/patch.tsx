/** A patch in colours; the reader can scroll in it with the keyboard. */
import type { DiffKind } from '../model/diff.ts';
import { diffLines } from '../model/diff.ts';

const LOOKS: Readonly<Record<DiffKind, string>> = {
  file: 'text-muted font-semibold',
  hunk: 'text-blue',
  add: 'bg-green-ground text-green',
  del: 'bg-red-ground text-red',
  same: '',
};

export function Patch({ text, label, className }: { text: string; label: string; className: string }) {
  const { lines } = diffLines(text);
  return (
    <pre tabIndex={0} aria-label={label} className={`code overflow-y-auto px-0 ${className}`}>
      {lines.map(({ key, kind, text: line }) => (
        <span key={key} data-diff={kind} className={`block px-3 ${LOOKS[kind]}`}>
          {line === '' ? ' ' : line}
        </span>
      ))}
    </pre>
  );
}
