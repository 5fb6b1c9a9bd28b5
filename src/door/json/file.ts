/** A file that is handed over, in JSON. */
import { z } from 'zod';
import { speakerId, speakerName } from '#core/market/speaker.ts';
import type { KnownFile } from '#core/view/file.ts';
import type { Door } from '../door.ts';
import { dateText } from './text.ts';

export const fileJsonSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    size_bytes: z.number().int(),
    sha256: z.string(),
    from: z.string(),
    from_id: z.string(),
    to: z.string(),
    offered_at: z.string(),
    state: z.enum(['offered', 'taken', 'failed']),
    error: z.string().nullable(),
  })
  .meta({ id: 'File' });
export type FileJson = z.output<typeof fileJsonSchema>;

export function fileJson({ id, offered, taken }: KnownFile, door: Door): FileJson {
  const { store } = door.node;
  const reader = Object.values(taken)[0];
  return {
    id,
    name: offered.name,
    size_bytes: offered.sizeBytes,
    sha256: offered.sha256,
    from: speakerName(store, offered.from),
    from_id: speakerId(offered.from),
    to: offered.to,
    offered_at: dateText(offered.wallMs),
    state: reader === undefined ? 'offered' : reader.value === null ? 'taken' : 'failed',
    error: reader?.value ?? null,
  };
}
