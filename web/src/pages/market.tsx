/** The market: what is offered and agreed, who can do what and how well, what was paid for, and files that are handed over. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Proposals, Receipts } from '../parts/deals.tsx';
import { HandedFiles } from '../parts/handed-files.tsx';
import { Ratings } from '../parts/ratings.tsx';
import { Skills } from '../parts/skills.tsx';
import type { Part } from '../parts/tabbed.tsx';
import { Tabbed } from '../parts/tabbed.tsx';
import type { MarketTab } from './search.ts';

const PARTS: readonly Part<MarketTab>[] = [
  { value: 'proposals', text: 'Proposals', body: () => <Proposals /> },
  { value: 'skills', text: 'Skills', body: () => <Skills /> },
  { value: 'ratings', text: 'Ratings', body: () => <Ratings /> },
  { value: 'receipts', text: 'Receipts', body: () => <Receipts /> },
  { value: 'files', text: 'Files', body: () => <HandedFiles /> },
];

export function Market() {
  const { tab = 'proposals' } = useSearch({ from: '/market' });
  const navigate = useNavigate({ from: '/market' });
  return <Tabbed parts={PARTS} tab={tab} change={(next) => void navigate({ search: { tab: next }, replace: true })} />;
}
