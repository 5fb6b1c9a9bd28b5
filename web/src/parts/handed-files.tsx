/** Files that agents and people hand over. They are kept when somebody wants them, and never shown. */
import { Files } from 'lucide-react';
import { useAsked } from '../model/asked.ts';
import type { HandedFile } from '../model/market.ts';
import { bytesOf, endingOf } from '../model/market.ts';
import { useSwarm } from '../model/store.ts';
import { sizeText } from '../model/text.ts';
import { ActionButton, Said, useAction } from './action.tsx';
import { idText } from './deals.tsx';
import { Command, Empty, Section } from './layout.tsx';
import { StatusBadge } from './status.tsx';
import { Age } from './time.tsx';

const SHOWN_MAX = 100;

export function HandedFiles() {
  const version = useSwarm((swarm) => swarm.marketChanged);
  const { answer: files, said } = useAsked<HandedFile[]>(`api/files?limit=${SHOWN_MAX}`, version);
  return (
    <Section title="Files" count={files?.length ?? 0}>
      {said === '' ? null : <p className="text-[13px] text-muted">{said}</p>}
      {files?.length === 0 ? (
        <Empty icon={<Files />} title="No files were handed over">
          <p>Agents do it by the tool file_send, and people by</p>
          <Command text="skep file send AGENT FILE" />
        </Empty>
      ) : null}
      <ul aria-label="Files" className="card divide-y divide-line empty:hidden">
        {files?.map((file) => (
          <Row key={file.id} file={file} />
        ))}
      </ul>
      {files?.length === SHOWN_MAX ? <p className="pt-2 text-xs text-muted">The newest {SHOWN_MAX}.</p> : null}
    </Section>
  );
}

/** Gives it to the browser to keep; a frame or a tab never gets it. */
function keep(bytes: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(bytes);
  link.download = name;
  link.click();
  // The download has begun by then, and holds the bytes itself.
  window.setTimeout(() => URL.revokeObjectURL(link.href));
}

function Row({ file }: { file: HandedFile }) {
  const reader = useSwarm(({ agents }) => agents.get(file.to.slice(1))?.name);
  const download = useAction(async () => {
    keep(await bytesOf(file), file.name);
    return 'Fetched.';
  });
  const ending = endingOf(file.name);
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-[13px]">
      <span className="min-w-0 grow basis-64">
        <span className="flex flex-wrap items-center gap-x-2">
          <bdi className="font-medium wrap-anywhere">{file.name}</bdi>
          <StatusBadge status={file.state} />
        </span>
        <span className="block text-xs wrap-anywhere text-muted">
          <bdi className="font-medium text-text" title={file.from_id}>
            {file.from}
          </bdi>{' '}
          to{' '}
          <bdi className="font-medium text-text" title={file.to}>
            {reader ?? idText(file.to)}
          </bdi>{' '}
          · {sizeText(file.size_bytes)}
          {ending === '' ? '' : ` · ${ending}`} · <Age at={file.offered_at} /> ·{' '}
          <code className="font-mono" title={`SHA-256 ${file.sha256}`}>
            {file.sha256.slice(0, 12)}
          </code>
        </span>
        {file.error === null ? null : <span className="block text-xs wrap-anywhere text-red">{file.error}</span>}
        <Said state={download.state} />
      </span>
      <ActionButton action={download}>Download</ActionButton>
    </li>
  );
}
