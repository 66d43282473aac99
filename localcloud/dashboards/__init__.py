"""`make dashboards`: the deployed dashboards as pages, drawn from what CloudWatch's API says."""
