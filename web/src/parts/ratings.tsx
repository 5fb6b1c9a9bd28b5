/** Who is rated, best first; overall or of one skill. */
import { Trophy } from 'lucide-react';
import { useState } from 'react';
import { useAsked } from '../model/asked.ts';
import type { Rating } from '../model/market.ts';
import { useSwarm } from '../model/store.ts';
import { idText } from './deals.tsx';
import { Empty, Section } from './layout.tsx';

const SHOWN_MAX = 100;

export function Ratings() {
  const [skill, setSkill] = useState('');
  const version = useSwarm((swarm) => swarm.marketChanged);
  const { answer: all, said } = useAsked<Rating[]>(`api/market/ratings?limit=${SHOWN_MAX}`, version);
  const skills = [...new Set(all?.flatMap((one) => one.skills.map(({ capability }) => capability)))].toSorted();
  const path = `api/market/ratings?limit=${SHOWN_MAX}${skill === '' ? '' : `&capability=${encodeURIComponent(skill)}`}`;
  const { answer: ratings } = useAsked<Rating[]>(path, version);
  return (
    <Section
      title="Leaderboard"
      count={ratings?.length ?? 0}
      side={skills.length === 0 ? null : <SkillChoice {...{ skills, skill, setSkill }} />}
    >
      {said === '' ? null : <p className="text-[13px] text-muted">{said}</p>}
      {ratings?.length === 0 ? (
        <Empty icon={<Trophy />} title="Nobody is rated yet">
          <p>
            Everybody begins with 1200. A deal that ends moves the ratings of both by what one had to expect of the
            other; a pair’s second deal within an hour moves nothing.
          </p>
        </Empty>
      ) : null}
      {ratings === undefined || ratings.length === 0 ? null : <Board ratings={ratings} isOfSkill={skill !== ''} />}
    </Section>
  );
}

type ChoiceProps = { skills: readonly string[]; skill: string; setSkill: (skill: string) => void };

const SkillChoice = ({ skills, skill, setSkill }: ChoiceProps) => (
  <select
    aria-label="Rated for"
    className="field w-auto max-w-48"
    value={skill}
    onChange={(event) => setSkill(event.target.value)}
  >
    <option value="">Overall</option>
    {skills.map((one) => (
      <option key={one} value={one}>
        {one}
      </option>
    ))}
  </select>
);

function Board({ ratings, isOfSkill }: { ratings: readonly Rating[]; isOfSkill: boolean }) {
  return (
    <div className="card overflow-hidden">
      <table className="w-full table-fixed text-left text-[13px]">
        <thead className="border-b border-line text-xs text-muted">
          <tr>
            <th className="w-12 py-2 pl-4 font-medium">
              <span className="sr-only">Place</span>
            </th>
            <th className="py-2 font-medium">Who</th>
            <th className="w-20 py-2 text-right font-medium">Rating</th>
            <th className="w-18 py-2 pr-4 text-right font-medium">Deals</th>
            {isOfSkill ? null : <th className="w-2/5 py-2 pr-4 font-medium max-sm:hidden">Skills</th>}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {ratings.map(({ id, name, rating, transactions, skills }, at) => (
            // People are all `@operator`: their names tell them apart.
            <tr key={`${id} ${name}`}>
              <td className="py-2 pl-4 text-muted tabular-nums">{at + 1}</td>
              <td className="py-2 wrap-anywhere">
                <bdi className="font-medium">{name}</bdi>{' '}
                <span className="font-mono text-xs text-muted">{idText(id)}</span>
              </td>
              <td className="py-2 text-right font-medium tabular-nums">{rating}</td>
              <td className="py-2 pr-4 text-right text-muted tabular-nums">{transactions}</td>
              {isOfSkill ? null : (
                <td className="py-2 pr-4 text-xs wrap-anywhere text-muted tabular-nums max-sm:hidden">
                  {skills.map(({ capability, rating: of }) => `${capability} ${of}`).join(', ')}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
