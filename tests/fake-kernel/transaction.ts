// One request of the host under way through a driver (struct kvp_transaction and its
// sisters in drivers/hv): at most one, which ends by the daemon's reply, by the
// driver's timer or by the daemon's end.

/** How a request ended. */
export type Outcome =
  | { readonly kind: "reply"; readonly message: Buffer }
  /** The driver answered the host HV_E_FAIL by itself. */
  | { readonly kind: "timeout" }
  | { readonly kind: "reset" }
  /** The message could not be given to the daemon. */
  | { readonly kind: "unsent"; readonly errno: number };

export class Transaction {
  #end: ((outcome: Outcome) => void) | undefined;

  get isOpen(): boolean {
    return this.#end !== undefined;
  }

  /** @throws Error when a request is open: a host sends one at a time. */
  begin(): Promise<Outcome> {
    if (this.#end !== undefined) {
      throw new Error("a request is open already");
    }
    return new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** False when no request is open. */
  end(outcome: Outcome): boolean {
    const end = this.#end;
    this.#end = undefined;
    end?.(outcome);
    return end !== undefined;
  }
}
