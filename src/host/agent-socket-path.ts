import { socketPath } from '../socket-path.ts';

/** The socket at which agents of this node call their tools, and their hooks tell of them. */
export const agentSocketPath = (stateDir: string): string => socketPath(stateDir, 'agents');
