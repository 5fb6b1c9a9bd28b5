/** How another machine comes in. */
import { useState } from 'react';
import { api } from '../model/api.ts';
import { useStore } from '../model/store.ts';
import { ActionButton, Said, useAction } from './action.tsx';
import { Command, Section } from './layout.tsx';

export function Join() {
  const me = useStore((held) => held.me);
  const [code, setCode] = useState<string>();
  const show = useAction(async () => {
    const answer = await api<{ code: string }>('GET', 'api/join-code');
    setCode(answer.code);
    return 'It holds the secret of this swarm: show it to nobody else.';
  });
  if (me?.role === 'viewer') return null;
  return (
    <Section title="Bring in another machine">
      <div className="card flex flex-col gap-3 p-4 text-[13px]">
        <p className="text-muted">Install skep there, and start it with the join code of this swarm.</p>
        <div className="flex flex-wrap items-center gap-3">
          <ActionButton action={show}>Show the join code</ActionButton>
          <Said state={show.state} />
        </div>
        {code === undefined ? null : <Command text={`skep swarm --join ${code}`} />}
      </div>
    </Section>
  );
}
