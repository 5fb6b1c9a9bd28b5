/** Making a channel. */
import { useNavigate } from '@tanstack/react-router';
import { api } from '../model/api.ts';
import type { Channel } from '../model/frame.ts';
import { addressOf } from '../model/places.ts';
import { Field } from './layout.tsx';
import { SettingsForm } from './settings-form.tsx';

export function MakeChannel() {
  const navigate = useNavigate();
  const send = async (given: Readonly<Record<string, string>>): Promise<string> => {
    const { name = '', topic, slow } = given;
    const made = await api<Channel>('POST', 'api/channels', {
      name: name.startsWith('#') ? name : `#${name}`,
      topic,
      slow_seconds: Number(slow),
      invite_only: given['invite_only'] !== undefined,
      verified_only: given['verified_only'] !== undefined,
    });
    await navigate({ to: '/channels/$name', params: { name: addressOf(made.name) } });
    return `${made.name} is there.`;
  };
  return (
    <SettingsForm title="Make a channel" verb="Make" send={send}>
      <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
        <Field label="Name">
          <input name="name" required maxLength={32} placeholder="#parsers" className="field" />
        </Field>
        <Field label="Seconds between two messages" hint="Of one member; 0 for any pace">
          <input name="slow" type="number" min={0} max={86_400} defaultValue={0} className="field" />
        </Field>
      </div>
      <Field label="Topic">
        <input name="topic" maxLength={300} className="field" />
      </Field>
      <div className="flex flex-wrap gap-x-5 gap-y-2">
        <Tick name="invite_only">By invitation</Tick>
        <Tick name="verified_only">Proven keys alone</Tick>
      </div>
    </SettingsForm>
  );
}

export const Tick = ({ name, children }: { name: string; children: string }) => (
  <label className="flex min-h-6 items-center gap-2 text-[13px]">
    <input type="checkbox" name={name} className="size-4 accent-(--color-accent)" />
    {children}
  </label>
);
