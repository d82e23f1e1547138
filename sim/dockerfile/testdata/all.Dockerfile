FROM busybox
MAINTAINER me <me@x>
ARG V=1
ARG W
ENV A=b C="d e"
LABEL x=y "z z"=w
RUN echo hi >&2; echo out; touch /f
RUN ["touch","/g"]
WORKDIR /srv/dir
WORKDIR sub
VOLUME /data
VOLUME ["/d1", "/d2"]
USER app:app
EXPOSE 80 90-91/udp
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s CMD true
SHELL ["/bin/sh","-ec"]
CMD echo hi
ENTRYPOINT ["a","b"]
ONBUILD RUN touch /tmp/onb
ONBUILD COPY src/a.txt /tmp/o2
