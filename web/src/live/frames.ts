/** With no picture to draw, which is where no frame comes, work is done this often. */
const UNSEEN_MS = 250;

/** Runs `work` once with the next picture, however often it is asked for before. */
export function onceAFrame(work: () => void): () => void {
  let isPlanned = false;
  const run = () => {
    isPlanned = false;
    work();
  };
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    if (document.hidden) setTimeout(run, UNSEEN_MS);
    else requestAnimationFrame(run);
  };
}
