"""What people look at: the panel, its answers to programs, and the metrics.

From the request to the page:

`app`           the application: gates before every page, headers after it
`routes`        which page is where, and who may open it
`client`        who is at the other end
`sessions`      log-ins
`csrf`          whether a form was one of ours
`access`        looks at other people's mail go on record
`forms`         what people send
`unsent`        what they sent when nobody was logged in any more
`views`         the pages, each a function from request to answer
`panel`         what every page works with
`render`        templates to text
`visible`       text from the network, made safe for the eye
`security`      what every answer tells browsers
`errors`        what is said when there is no page
`static_files`  style, script and pictures

What the pages say, without I/O:

`track`         the search, its form and its list
`message`       one message
`insight`       statistics, destinations and our own troubles
`standing`      where a recipient stands, in words, shapes and tones
`acts`          what people do to many recipients
`rerouting`     another way for mail
`navigation`    the bar at the top
`help`          the help page
`portion`       a long list, page by page
`times`         times in words

What they ask for besides:

`notices`       what an act came to, told once
`unread`        how much of the operator's inbox nobody has read
`readiness`     whether this node can do its work
"""
