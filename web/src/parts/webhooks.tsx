/** Webhooks of a channel at this node: what each told or took, what is wrong, and making one. For operators: a URL may be a secret. */
import { useState } from 'react';
import { api } from '../model/api.ts';
import { useAsked } from '../model/asked.ts';
import type { Webhook } from '../model/frame.ts';
import { shortId } from '../model/text.ts';
import { ActionButton, Said, useAction } from './action.tsx';
import { Command, Field, Fold, Section } from './layout.tsx';
import { Tick } from './make-channel.tsx';
import { SettingsForm, typedOnly } from './settings-form.tsx';
import { StatusBadge } from './status.tsx';
import { useLook } from './time.tsx';

/** How they do is told by no event: it is looked at again so often. */
const LOOK_MS = 5_000;

export function Webhooks({ channel }: { channel: string }) {
  const look = useLook(LOOK_MS);
  const path = `api/webhooks?channel=${encodeURIComponent(channel)}`;
  const { answer: webhooks, said, again } = useAsked<Webhook[]>(path, look);
  return (
    <>
      <Section title="Webhooks of this node" count={webhooks?.length ?? 0}>
        {said === '' ? null : <p className="text-[13px] text-muted">{said}</p>}
        {webhooks?.length === 0 ? (
          <p className="text-[13px] text-muted">Nothing that is said here is told elsewhere, and nobody posts.</p>
        ) : null}
        <ul aria-label="Webhooks" className="card divide-y divide-line empty:hidden">
          {webhooks?.map((webhook) => (
            <Row key={webhook.id} webhook={webhook} onChanged={again} />
          ))}
        </ul>
      </Section>
      <Add channel={channel} onMade={again} />
    </>
  );
}

function Row({ webhook, onChanged }: { webhook: Webhook; onChanged: () => void }) {
  const path = `api/webhooks/${encodeURIComponent(webhook.id)}`;
  const resume = useAction(async (skip: boolean) => {
    await api('POST', `${path}/resume`, { skip });
    onChanged();
    return 'It goes on.';
  });
  const remove = useAction(async () => {
    await api('DELETE', path);
    onChanged();
    return 'Removed.';
  });
  const isOut = webhook.direction === 'out';
  const { trouble, waiting } = webhook;
  const tries = trouble?.attempts === null || trouble === null ? '' : ` after ${trouble.attempts} tries`;
  return (
    <li className="flex flex-col gap-1 px-3 py-2 text-[13px]">
      <span className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
        <span className="min-w-0 truncate font-medium">{webhook.name}</span>
        <StatusBadge status={webhook.state === 'stopped' ? 'gave up' : webhook.state} />
      </span>
      <span className="text-xs wrap-anywhere text-muted">
        {isOut ? `tells ${webhook.url ?? ''}` : `takes what is posted, as @hook-${webhook.name}`}
        {` · ${webhook.handled} ${isOut ? 'told' : 'taken'}`}
        {isOut && waiting !== 0 ? ` · ${waiting ?? 'more than 10,000'} waiting` : ''}
        {webhook.refusals === 0 ? '' : ` · ${webhook.refusals} refused`}
        {webhook.cut ? ' · older ones were left out: it was too far behind' : ''}
      </span>
      {trouble === null ? null : (
        <span className="text-xs wrap-anywhere text-red">
          {trouble.reason}
          {tries}
          {trouble.message_id === null ? '' : `, at message ${shortId(trouble.message_id)}`}
        </span>
      )}
      <span className="-ml-2 flex flex-wrap items-center gap-x-3 gap-y-3 py-1.5">
        {webhook.state === 'stopped' ? (
          <>
            <ActionButton action={{ ...resume, run: () => resume.run(false) }} look="quiet" small>
              Go on
            </ActionButton>
            <ActionButton action={{ ...resume, run: () => resume.run(true) }} look="quiet" small>
              Leave that one out
            </ActionButton>
          </>
        ) : null}
        <ActionButton action={remove} look="quiet" confirm="Really remove?" small>
          Remove
        </ActionButton>
        <Said state={resume.state} />
        <Said state={remove.state} />
      </span>
    </li>
  );
}

type Made = Webhook & { secret: string; post_path: string | null };

function Add({ channel, onMade }: { channel: string; onMade: () => void }) {
  const [made, setMade] = useState<Made>();
  const send = async (given: Readonly<Record<string, string>>): Promise<string> => {
    const { name, url, allow_private: isPrivate } = typedOnly(given);
    setMade(undefined);
    const common = { name, channel };
    const wanted =
      url === undefined
        ? { ...common, direction: 'in' }
        : { ...common, direction: 'out', url, allow_private: isPrivate !== undefined };
    setMade(await api<Made>('POST', 'api/webhooks', wanted));
    onMade();
    return 'The secret is shown this once.';
  };
  return (
    <Fold title="Make a webhook">
      <SettingsForm title="Make a webhook" verb="Make" send={send}>
        <Field label="Name" hint="Small letters, digits, dashes">
          <input name="name" required maxLength={24} pattern="[a-z0-9][a-z0-9\-]*" className="field" />
        </Field>
        <Field label="Tell this URL" hint="Empty: others post here">
          <input name="url" type="url" maxLength={2048} placeholder="https://…" className="field" />
        </Field>
        <Tick name="allow_private">May lead into this network</Tick>
      </SettingsForm>
      {made === undefined ? null : (
        <div role="status" className="card mt-2 flex flex-col gap-2 p-3 text-[13px]">
          {made.post_path === null ? null : (
            <>
              <span className="font-medium">Post to</span>
              <Command text={new URL(made.post_path.slice(1), document.baseURI).href} />
            </>
          )}
          <span className="font-medium">Secret of {made.name}</span>
          <Command text={made.secret} />
        </div>
      )}
    </Fold>
  );
}
