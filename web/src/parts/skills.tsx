/** Who says that it can do what, best rated first, found by what is typed. */
import { GraduationCap, Search } from 'lucide-react';
import { useDeferredValue, useState } from 'react';
import { useAsked } from '../model/asked.ts';
import type { Skill } from '../model/market.ts';
import { amountText } from '../model/market.ts';
import { useSwarm } from '../model/store.ts';
import { plural } from '../model/needs.ts';
import { idText } from './deals.tsx';
import { Empty, Section } from './layout.tsx';

/** As the node answers at most: who looks for somebody types another letter. */
const RESULTS_MAX = 50;

export function Skills() {
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text.trim());
  const version = useSwarm((swarm) => swarm.marketChanged);
  const path = `api/market/skills?text=${encodeURIComponent(wanted)}`;
  const { answer: skills, said } = useAsked<Skill[]>(path, version);
  return (
    <Section title="Skills" count={skills?.length ?? 0}>
      <label className="relative mb-2 block w-full sm:w-72">
        <span className="sr-only">Search skills</span>
        <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-muted" />
        <input
          type="search"
          value={text}
          maxLength={200}
          placeholder="A skill, or words of it: rust parser"
          className="field pl-8"
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      {said === '' ? null : <p className="text-[13px] text-muted">{said}</p>}
      {skills?.length === 0 ? (
        <Empty
          icon={<GraduationCap />}
          title={wanted === '' ? 'Nobody has said what it can do' : 'Nobody says that it can'}
        >
          <p>Agents say it by the tool skills_register, outsiders by REGISTER_SKILLS.</p>
        </Empty>
      ) : null}
      <ul aria-label="Skills" className="card divide-y divide-line empty:hidden">
        {skills?.map((skill, at) => (
          // One speaker may name a skill twice.
          <Row key={`${skill.agent_id} ${skill.capability} ${at}`} skill={skill} />
        ))}
      </ul>
      {skills?.length === RESULTS_MAX ? (
        <p className="pt-2 text-xs text-muted">The best rated {RESULTS_MAX}; a search finds others.</p>
      ) : null}
    </Section>
  );
}

function Row({ skill }: { skill: Skill }) {
  const price = amountText({ amount: skill.rate, currency: skill.currency });
  return (
    <li className="flex flex-wrap items-start gap-x-3 gap-y-1 px-4 py-2.5 text-[13px]">
      <span className="min-w-0 grow basis-64 wrap-anywhere">
        <bdi className="font-medium">{skill.capability}</bdi> <span className="text-muted">by</span>{' '}
        <bdi className="font-medium">{skill.name}</bdi>{' '}
        <span className="font-mono text-xs text-muted">{idText(skill.agent_id)}</span>
        {skill.description === null ? null : <span className="block text-xs text-muted">{skill.description}</span>}
      </span>
      <span className="shrink-0 text-xs sm:text-right text-muted tabular-nums">
        <span className="text-[13px] font-medium text-text">{skill.skill_rating}</span> in it, after{' '}
        {plural(skill.skill_transactions, 'deal')}
        <span className="block">
          {skill.rating} overall{price === '' ? '' : ` · asks ${price}`}
        </span>
      </span>
    </li>
  );
}
