/** A page in parts, one shown at a time. */
import { Tabs } from '@base-ui/react/tabs';
import type { ReactNode } from 'react';
import { TAB } from './tabs.ts';

export type Part<T extends string> = { value: T; text: string; body: () => ReactNode };

/** `change` is told which part was chosen: pages keep it in their address, so that it can be sent. */
export function Tabbed<T extends string>(o: { parts: readonly Part<T>[]; tab: T; change: (next: T) => void }) {
  const { parts, tab, change } = o;
  return (
    <Tabs.Root
      value={tab}
      onValueChange={(value: unknown) => {
        const next = parts.find((one) => one.value === value)?.value;
        if (next !== undefined) change(next);
      }}
      className="mx-auto flex w-full max-w-4xl flex-col gap-5"
    >
      <Tabs.List className="flex flex-wrap gap-1">
        {parts.map(({ value, text }) => (
          <Tabs.Tab key={value} value={value} className={TAB}>
            {text}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {parts.map(({ value, body }) => (
        <Tabs.Panel key={value} value={value}>
          {body()}
        </Tabs.Panel>
      ))}
    </Tabs.Root>
  );
}
