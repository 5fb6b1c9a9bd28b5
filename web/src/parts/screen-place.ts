/** Where a terminal stands, also before it is there, so that nothing moves when it comes. */
export const SCREEN =
  'min-h-[52rem] overflow-x-auto rounded-md border border-line bg-[#151311] p-2 focus-within:outline-2 focus-within:outline-accent max-lg:min-h-[24rem]';
