/** Words of a command line of which none has a blank in it. */
export const words = (text: string): string[] => text.split(' ');
