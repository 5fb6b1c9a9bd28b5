/** The market: what is offered and agreed, who can do what and how well, what was paid for, and files that are handed over. */
import { Tabs } from '@base-ui/react/tabs';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Proposals, Receipts } from '../parts/deals.tsx';
import { HandedFiles } from '../parts/handed-files.tsx';
import { Ratings } from '../parts/ratings.tsx';
import { Skills } from '../parts/skills.tsx';
import { TAB } from '../parts/tabs.ts';
import type { MarketTab } from './search.ts';

const TABS: readonly { value: MarketTab; text: string }[] = [
  { value: 'proposals', text: 'Proposals' },
  { value: 'skills', text: 'Skills' },
  { value: 'ratings', text: 'Ratings' },
  { value: 'receipts', text: 'Receipts' },
  { value: 'files', text: 'Files' },
];

/** The tab stands in the address, so that it can be sent. */
export function Market() {
  const { tab = 'proposals' } = useSearch({ from: '/market' });
  const navigate = useNavigate({ from: '/market' });
  const change = (value: unknown): void => {
    const next = TABS.find((one) => one.value === value)?.value;
    if (next !== undefined) void navigate({ search: { tab: next }, replace: true });
  };
  return (
    <Tabs.Root value={tab} onValueChange={change} className="mx-auto flex w-full max-w-4xl flex-col gap-5">
      <Tabs.List className="flex flex-wrap gap-1">
        {TABS.map(({ value, text }) => (
          <Tabs.Tab key={value} value={value} className={TAB}>
            {text}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="proposals">
        <Proposals />
      </Tabs.Panel>
      <Tabs.Panel value="skills">
        <Skills />
      </Tabs.Panel>
      <Tabs.Panel value="ratings">
        <Ratings />
      </Tabs.Panel>
      <Tabs.Panel value="receipts">
        <Receipts />
      </Tabs.Panel>
      <Tabs.Panel value="files">
        <HandedFiles />
      </Tabs.Panel>
    </Tabs.Root>
  );
}
