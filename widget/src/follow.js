/**
 * Keeps the end of a growing text in view as long as the reader is there, and leaves readers alone who scrolled away.
 */

/** So many pixels from the end still count as the end. */
const NEAR = 40;

export class Follow {
  #isFollowing = true;
  /** Where the scroller stood when we last looked. */
  #top = 0;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} content what grows inside of it
   * @param {HTMLButtonElement} jump leads back to the end; shown when that is out of view
   * @param {() => boolean} isWanted
   */
  constructor(scroller, content, jump, isWanted) {
    this.scroller = scroller;
    this.jump = jump;
    scroller.addEventListener(
      "scroll",
      () => {
        const isAtEnd = this.#distance() < NEAR;
        // Only the reader moves upwards and stays away from the end: growing content moves nothing.
        if (isAtEnd || scroller.scrollTop < this.#top) this.#isFollowing = isAtEnd;
        this.#top = scroller.scrollTop;
        this.#showJump();
      },
      { passive: true },
    );
    new ResizeObserver(() => (this.#isFollowing && isWanted() ? this.toEnd() : this.#showJump())).observe(content);
    new ResizeObserver(() => this.#isFollowing && this.toEnd()).observe(scroller);
    jump.addEventListener("click", () => this.toEnd());
  }

  toEnd() {
    this.#isFollowing = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#top = this.scroller.scrollTop;
    this.#showJump();
  }

  /** Adds content above without moving what the reader sees. @param {() => void} change */
  keeping(change) {
    const { scrollHeight, scrollTop } = this.scroller;
    change();
    this.scroller.scrollTop = scrollTop + this.scroller.scrollHeight - scrollHeight;
  }

  #distance() {
    return this.scroller.scrollHeight - this.scroller.clientHeight - this.scroller.scrollTop;
  }

  #showJump() {
    this.jump.hidden = this.#distance() < NEAR;
  }
}
