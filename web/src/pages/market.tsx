/** The market: what is offered and agreed, who can do what and how well, what was paid for, and files that are handed over. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Proposals, Receipts } from '../parts/deals.tsx';
import { HandedFiles } from '../parts/handed-files.tsx';
import { OfferFile } from '../parts/offer-file.tsx';
import { Ratings } from '../parts/ratings.tsx';
import { RegisterSkills } from '../parts/register-skills.tsx';
import { Skills } from '../parts/skills.tsx';
import type { Part } from '../parts/tabbed.tsx';
import { Tabbed } from '../parts/tabbed.tsx';
import type { MarketTab } from './search.ts';

const PARTS: readonly Part<MarketTab>[] = [
  { value: 'proposals', text: 'Proposals', body: () => <Proposals /> },
  {
    value: 'skills',
    text: 'Skills',
    body: () => (
      <div className="flex flex-col gap-6">
        <Skills />
        <RegisterSkills />
      </div>
    ),
  },
  { value: 'ratings', text: 'Ratings', body: () => <Ratings /> },
  { value: 'receipts', text: 'Receipts', body: () => <Receipts /> },
  {
    value: 'files',
    text: 'Files',
    body: () => (
      <div className="flex flex-col gap-6">
        <HandedFiles />
        <OfferFile />
      </div>
    ),
  },
];

export function Market() {
  const { tab = 'proposals' } = useSearch({ from: '/market' });
  const navigate = useNavigate({ from: '/market' });
  return <Tabbed parts={PARTS} tab={tab} change={(next) => void navigate({ search: { tab: next }, replace: true })} />;
}
