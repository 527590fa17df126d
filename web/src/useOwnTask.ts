/** Work that can wait for a moment gets a task of its own: that in which the list is drawn has enough to do. */
import { onScopeDispose } from "vue";

/** Asks for the work; once for all that was asked before it is done, and not after its component is gone. */
export function useOwnTask(work: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let isOver = false;
  onScopeDispose(() => {
    isOver = true;
    if (timer !== null) clearTimeout(timer);
  });
  return () => {
    if (isOver) return; // a throttled caller may outlive its component
    timer ??= setTimeout(() => {
      timer = null;
      work();
    }, 0);
  };
}
