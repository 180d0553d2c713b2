// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace ColoWire.Control;

/// <summary>From a request of HTTP to an order and back.</summary>
/// <param name="control">Who carries orders out.</param>
/// <param name="stopping">Cancelled when nobody is to wait any more.</param>
internal sealed class ControlApplication(ApplianceControl control, CancellationToken stopping) : IHttpApplication<HttpContext>
{
    /// <inheritdoc/>
    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    /// <inheritdoc/>
    public async Task ProcessRequestAsync(HttpContext context)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        ControlAnswer answer;
        try
        {
            answer = await AnswerAsync(context, ending.Token);
        }
        catch (OperationCanceledException)
        {
            string why = stopping.IsCancellationRequested ? "ColoWire stops" : "nobody waits for it";
            answer = ControlAnswer.Refused(StatusCodes.Status503ServiceUnavailable, $"{why}: the order may not have been carried out");
        }

        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = answer.Body.Length;
        // To whoever has gone the server writes nothing.
        await context.Response.Body.WriteAsync(answer.Body, CancellationToken.None);
    }

    /// <inheritdoc/>
    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    private Task<ControlAnswer> AnswerAsync(HttpContext context, CancellationToken cancellation)
    {
        string path = context.Request.Path.Value ?? string.Empty;
        ControlOrder? order = ControlOrder.All.FirstOrDefault(order => order.Path == path);
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
        {
            // Nobody reads it, so the next request cannot follow it on this connection.
            context.Response.Headers.Connection = "close";
            return Refused(StatusCodes.Status413PayloadTooLarge, "an order has no body: leave it out");
        }

        if (order is null)
        {
            string known = string.Join(", ", ControlOrder.All.Select(known => $"{known.Method} {known.Path}"));
            return Refused(StatusCodes.Status404NotFound, $"the path is unknown; known are {known}");
        }

        if (context.Request.Method != order.Method)
        {
            context.Response.Headers.Allow = order.Method;
            return Refused(StatusCodes.Status405MethodNotAllowed, $"{order.Path} wants {order.Method}");
        }

        return context.Request.QueryString.HasValue
            ? Refused(StatusCodes.Status400BadRequest, $"{order.Path} takes no parameters: leave out what follows the question mark")
            : control.CarryOutAsync(order, cancellation);
    }

    private static Task<ControlAnswer> Refused(int status, string error) => Task.FromResult(ControlAnswer.Refused(status, error));
}
