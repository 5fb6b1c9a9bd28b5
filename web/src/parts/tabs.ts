/** How a tab looks. */
export const TAB =
  'min-h-8 rounded-md px-3 text-[13px] text-muted hover:text-text data-[active]:bg-grey-ground data-[active]:font-medium data-[active]:text-text';
