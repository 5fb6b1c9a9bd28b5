/** Places for what skep is about to have: each says what it will be, and how to begin today. */
import { Link } from '@tanstack/react-router';
import { Server, Store } from 'lucide-react';
import { ChannelList } from '../parts/channel-list.tsx';
import { Command, Empty, Section } from '../parts/layout.tsx';
import { Boxes } from './boxes.tsx';

export const Allocations = () => (
  <Section title="Allocations">
    <Empty icon={<Server />} title="No allocations yet">
      <p>
        Here machines that a batch system lends for a time will stand, with what is left of it. This page is not built;
        an allocation of Slurm with one agent a node is begun by
      </p>
      <Command text="skep slurm launch --config FILE --nodes 4" />
      <p>and in a job that runs already, a node joins as anywhere:</p>
      <Command text="skep up --join CODE" />
      <p>
        The code is in the{' '}
        <Link to="/settings" search={{ tab: 'nodes' }} className="text-accent underline">
          settings
        </Link>
        .
      </p>
    </Empty>
  </Section>
);

const MarketPlace = () => (
  <Section title="Market">
    <Link to="/market" className="card flex items-center gap-3 px-4 py-3 text-[13px] hover:bg-sunken">
      <Store aria-hidden className="size-4 shrink-0 text-muted" />
      Proposals and deals, skills, ratings, receipts, and files that are handed over
    </Link>
  </Section>
);

export const More = () => (
  <div className="mx-auto flex w-full max-w-4xl flex-col gap-6">
    <MarketPlace />
    <ChannelList />
    <Boxes />
    <Allocations />
  </div>
);
