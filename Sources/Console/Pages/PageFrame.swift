/// What all pages share: the document's head, the bar with the ways to the other pages, and the live switch.
enum PageFrame {
    /// The pages in the bar, in its order. A new page is one more case.
    enum Page: String, CaseIterable {
        case flow = "/"
        case dags = "/dags"

        var label: String {
            switch self {
            case .flow: "Flow"
            case .dags: "DAGs"
            }
        }
    }

    static func html(title: String, current: Page, script: String, main: String) -> String {
        let links = Page.allCases.map { page in
            #"<li><a href="\#(page.rawValue)"\#(page == current ? #" aria-current="page""# : "")>\#(page.label)</a></li>"#
        }
        return #"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\#(title) · Leat</title>
            <link rel="icon" href="/static/icon.svg" type="image/svg+xml">
            <link rel="stylesheet" href="/static/console.css">
            <script type="module" src="\#(script)"></script>
            </head>
            <body>
            <a class="skip" href="#main">Skip to the content</a>
            <header class="bar"><div>
              <a class="brand" href="/" aria-label="Leat, start page">\#(mark)<span aria-hidden="true">Leat</span></a>
              <nav aria-label="Pages"><ul>\#(links.joined())</ul></nav>
              <div class="live">
                <span id="live" class="state idle" role="status">connecting</span>
                <button type="button" id="pause" aria-pressed="false">Pause</button>
              </div>
            </div></header>
            <main id="main" tabindex="-1">
            <noscript><p class="notice">This page fills itself by a script; its data is at <a href="/api/flow">/api/flow</a>.</p></noscript>
            \#(main)
            </main>
            </body>
            </html>

            """#
    }

    private static let mark = #"""
        <svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round">\#
        <path d="M2 7c3.3-2.7 6.7-2.7 10 0s6.7 2.7 10 0M2 12.5c3.3-2.7 6.7-2.7 10 0s6.7 2.7 10 0M2 18c3.3-2.7 6.7-2.7 10 0s6.7 2.7 10 0"/></svg>
        """#

    static let icon = #"""
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="5" fill="#0a6373"/>\#
        <path d="M4 8c2.7-2.2 5.3-2.2 8 0s5.3 2.2 8 0M4 12.5c2.7-2.2 5.3-2.2 8 0s5.3 2.2 8 0M4 17c2.7-2.2 5.3-2.2 8 0s5.3 2.2 8 0" \#
        fill="none" stroke="#fff" stroke-width="1.8" stroke-linecap="round"/></svg>
        """#
}
