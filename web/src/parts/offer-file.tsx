/** Offering a file to an agent, to people, or to a key of the hub. */
import type { FormEvent } from 'react';
import { offerFile } from '../model/offer.ts';
import { useMayAct, useSwarm } from '../model/store.ts';
import { sizeText } from '../model/text.ts';
import { useAction } from './action.tsx';
import { textOf } from './form.ts';
import { Field, Section } from './layout.tsx';
import { Submit } from './settings-form.tsx';

export function OfferFile() {
  const mayAct = useMayAct();
  const agents = useSwarm((swarm) => swarm.agents);
  const action = useAction(async (file: File, to: string) => {
    const offered = await offerFile(file, to);
    return `Offered ${offered.name}, ${sizeText(offered.size_bytes)}.`;
  });
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const file = given.get('file');
    if (file instanceof File && (await action.run(file, textOf(given, 'to')))) form.reset();
  };
  if (!mayAct) return null;
  return (
    <Section title="Offer a file">
      <form aria-label="Offer a file" className="card flex flex-col gap-3 p-4" onSubmit={(event) => void submit(event)}>
        <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
          <Field label="File" hint="At most 50 MiB; no program">
            <input name="file" type="file" required className="field" />
          </Field>
          <Field label="To" hint="An agent by name, operator, or an @id of the hub">
            <input name="to" required maxLength={200} list="file-agents" className="field" />
          </Field>
          <datalist id="file-agents">
            {[...agents.values()].map(({ id, name }) => (
              <option key={id} value={name} />
            ))}
          </datalist>
        </div>
        <Submit state={action.state} verb="Offer" />
      </form>
    </Section>
  );
}
