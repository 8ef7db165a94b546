"""What pages share: charts and style (JavaScript and CSS, shipped as files), and how modules become one script."""
