import { Component, type ComponentChildren } from "preact";

interface Props {
  readonly children: ComponentChildren;
}

interface State {
  readonly error: Error | undefined;
}

/** A view that fails leaves the rest of the page working, and says what happened. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: undefined };

  override componentDidCatch(error: unknown): void {
    this.setState({ error: error instanceof Error ? error : new Error(String(error)) });
    reportError(error);
  }

  override render(): ComponentChildren {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <div class="failure-page" role="alert">
        <h1>This view failed</h1>
        <p>That is a fault of this page, not of your logs. The details below help to mend it.</p>
        <pre class="note failure">{error.stack ?? error.message}</pre>
        <p>
          <button type="button" class="button" onClick={() => this.setState({ error: undefined })}>
            Try again
          </button>
        </p>
      </div>
    );
  }
}
