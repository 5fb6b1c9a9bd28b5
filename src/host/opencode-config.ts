/** What OpenCode is told by `OPENCODE_CONFIG_CONTENT`, beside the files of its user. */
import { z } from 'zod';

const configSchema = z.looseObject({
  mcp: z.looseObject({}).optional(),
  plugin: z.array(z.unknown()).optional(),
});

/** What that variable says already; undefined for text that is no such JSON, which is left as it is. */
export function openCodeConfigIn(text: string | undefined): z.output<typeof configSchema> | undefined {
  if (text === undefined || text.trim() === '') return {};
  try {
    return configSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
