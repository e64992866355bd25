/// The first page of an empty canvas.
enum CanvasWelcome {
    /// Shows that files, script and live reload work.
    static let page = """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Canvas</title>
        <style>
        :root { color-scheme: light dark; font: 17px/1.55 system-ui, sans-serif; }
        body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
        main { max-width: 30rem; padding: 2rem; }
        h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
        p { margin: .5rem 0; opacity: .8; }
        </style>
        <main>
        <h1>The canvas works</h1>
        <p>Pages that the assistant makes appear here. This one is <code>index.html</code> of the canvas's directory;
        change it and watch.</p>
        <p id="script">Script does not run.</p>
        </main>
        <script>document.getElementById("script").textContent = "Script runs, in a sandbox of its own.";</script>
        </html>

        """

    /// What is shown where no file is.
    static let missing = """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Not found</title>
        <style>:root { color-scheme: light dark; font: 17px/1.55 system-ui, sans-serif; } body { margin: 0; padding: 2rem; }</style>
        <h1>Not found</h1>
        <p>The canvas has no such file.</p>
        </html>

        """
}
