/** Pieces that every page is made of. */
import { Check, ChevronRight, Copy } from 'lucide-react';
import type { ReactNode } from 'react';
import { useId, useState } from 'react';

/** A part of a page under a heading of its own. */
export function Section(o: { title: ReactNode; count?: number; side?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="min-w-0">
      <div className="mb-2 flex min-h-8 items-center gap-2">
        <h2 id={id} className="min-w-0 truncate text-[13px] font-semibold">
          {o.title}
        </h2>
        {o.count === undefined ? null : <span className="text-xs text-muted tabular-nums">{o.count}</span>}
        <span className="grow" />
        {o.side}
      </div>
      {o.children}
    </section>
  );
}

/** What is seldom wanted: a line, until somebody opens it. */
export const Fold = ({ title, children }: { title: string; children: ReactNode }) => (
  <details className="group min-w-0">
    <summary className="flex min-h-8 cursor-pointer list-none items-center gap-1 rounded-md text-[13px] text-muted hover:text-text">
      <ChevronRight aria-hidden className="size-3.5 shrink-0 group-open:rotate-90" /> {title}
    </summary>
    <div className="pt-2">{children}</div>
  </details>
);

/** What stands where nothing is yet: why, and how to begin. */
export function Empty({ icon, title, children }: { icon?: ReactNode; title: string; children?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-2 rounded-lg border border-dashed border-line-strong px-6 py-8 text-center">
      {icon === undefined ? null : <span className="text-muted [&>svg]:size-6">{icon}</span>}
      <p className="font-medium">{title}</p>
      {children === undefined ? null : (
        <div className="flex max-w-md flex-col gap-2 text-[13px] text-muted">{children}</div>
      )}
    </div>
  );
}

/** A command to type, which can be copied. */
export function Command({ text }: { text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => undefined,
    );
  };
  return (
    <span className="flex items-stretch gap-1 text-left">
      <code className="code min-w-0 grow">{text}</code>
      <button
        type="button"
        aria-label="Copy the command"
        className="rounded-md border border-line bg-surface px-2 text-muted hover:text-text"
        onClick={() => void copy()}
        onBlur={() => setCopied(false)}
      >
        {isCopied ? <Check aria-hidden className="size-3.5" /> : <Copy aria-hidden className="size-3.5" />}
      </button>
    </span>
  );
}

/** Names and values; those without a value are left out. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== '' && value !== false);
  return (
    <dl className="grid grid-cols-[max-content_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-[13px]">
      {known.map(([name, value]) => (
        <div key={name} className="col-span-2 grid grid-cols-subgrid">
          <dt className="text-muted">{name}</dt>
          <dd className="min-w-0 wrap-anywhere">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A label above what it names. */
export function Field({ label, hint, children }: { label: string; hint?: string; children: ReactNode }) {
  return (
    <label className="flex min-w-0 flex-col gap-1 text-[13px]">
      <span className="font-medium">{label}</span>
      {children}
      {hint === undefined ? null : <span className="text-xs text-muted">{hint}</span>}
    </label>
  );
}

/** One of a few; the chosen one is pressed. */
export function Choice<T extends string>(o: {
  label: string;
  options: readonly { value: T; text: string; count?: number }[];
  value: T;
  onChange: (value: T) => void;
}) {
  return (
    <div role="group" aria-label={o.label} className="flex flex-wrap gap-1">
      {o.options.map(({ value, text, count }) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === o.value}
          className="min-h-8 rounded-md border border-transparent px-2.5 text-[13px] text-muted hover:text-text aria-pressed:border-line-strong aria-pressed:bg-surface aria-pressed:font-medium aria-pressed:text-text"
          onClick={() => o.onChange(value)}
        >
          {text}
          {count === undefined ? null : <span className="ml-1.5 text-xs text-muted tabular-nums">{count}</span>}
        </button>
      ))}
    </div>
  );
}
