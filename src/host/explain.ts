/** Why a screen shows the state that it shows: the question asked again of a screen from a file. */
import { detect } from '#driver/tmux/detect.ts';
import type { Detection } from '#driver/tmux/detect.ts';
import { toolOf } from '#driver/tmux/tool.ts';

/** `seen`: versions of the tool whose screens the rules were written from; null when they are from its documents alone. */
export type Explained = Detection & { tool: string; seen: string | null };

/** `tool`: a name, or a whole command line. `title`: that of the pane, where the tool tells something by it. */
export function explainScreen(o: { tool: string; text: string; title: string | undefined }): Explained {
  const tool = toolOf(o.tool);
  return { tool: tool.tool, seen: tool.seen, ...detect(tool, o) };
}
